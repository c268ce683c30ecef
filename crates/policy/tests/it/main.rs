//! What policies decide, and that what is remembered and left out of an evaluation never changes a decision.

mod compiled;
mod rules;
mod world;
