"""How the bot is: `/healthz` and `/metrics`. Imported only where HTTP_PORT is set."""
