//! The queues of a deployment and how they are declared.

use domain::job::Lane;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

/// Times that a message may come back before it goes to the dead letters. RabbitMQ before 4.0 has no limit by itself.
const DELIVERY_LIMIT: i64 = 20;

/// Names under one prefix.
pub(super) struct Names {
    interactive: String,
    bulk: String,
    delivery: String,
    dead: String,
}

// === impl Names ===

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            interactive: format!("{prefix}.jobs.interactive"),
            bulk: format!("{prefix}.jobs.bulk"),
            delivery: format!("{prefix}.jobs.delivery"),
            dead: format!("{prefix}.dead"),
        }
    }

    pub(super) fn lane(&self, lane: Lane) -> &str {
        match lane {
            Lane::Interactive => &self.interactive,
            Lane::Bulk => &self.bulk,
            Lane::Delivery => &self.delivery,
        }
    }

    /// Declares everything; repeating it changes nothing.
    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let dead = self.dead.as_str();
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel
            .exchange_declare(dead.into(), ExchangeKind::Fanout, durable, FieldTable::default())
            .await?;
        channel.queue_declare(dead.into(), QueueDeclareOptions::durable(), quorum()).await?;
        channel
            .queue_bind(
                dead.into(),
                dead.into(),
                "".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
        for lane in [&self.interactive, &self.bulk, &self.delivery] {
            channel
                .queue_declare(
                    lane.as_str().into(),
                    QueueDeclareOptions::durable(),
                    self.arguments(),
                )
                .await?;
        }
        Ok(())
    }

    /// Dead-lettering at least once needs `reject-publish` (<https://www.rabbitmq.com/docs/quorum-queues>).
    fn arguments(&self) -> FieldTable {
        let mut arguments = quorum();
        let text = |value: &str| AMQPValue::LongString(value.into());
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
        arguments.insert("x-dead-letter-exchange".into(), text(&self.dead));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        arguments
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments
}
