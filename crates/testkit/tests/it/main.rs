//! The test bench tested: its servers, its fakes, and what we ship around the binary.

mod bench;
mod layers;
