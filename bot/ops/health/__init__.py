"""How the bot is: the status page, `/healthz` and `/metrics`. Imported only where HTTP_PORT is set."""
