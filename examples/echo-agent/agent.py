"""The smallest bindu agent: it says back what it hears."""

from bindu.penguin.bindufy import bindufy

config = {
    "author": "someone@example.com",
    "name": "echo-agent",
    "description": "Says back what it hears",
    "deployment": {"url": "http://0.0.0.0:3773", "expose": True},
}


def echo(messages):
    return "".join(p.get("text", "") for p in messages[-1]["parts"])


if __name__ == "__main__":
    bindufy(config, echo)
