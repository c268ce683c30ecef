"""Asks the library of Standard Webhooks whether it believes a delivery: prints `verified` or `refused`."""

import datetime
import json
import sys

from standardwebhooks import webhooks

given = json.loads(sys.argv[1])


class Clock(datetime.datetime):
    """The library refuses what is older than 5 minutes: the test has a clock of its own."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(given["now"], tz)


webhooks.datetime = Clock
try:
    webhooks.Webhook(given["secret"]).verify(given["body"].encode(), given["headers"])
    print("verified")
except webhooks.WebhookVerificationError:
    print("refused")
