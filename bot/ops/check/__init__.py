"""`python -m bot check`: what an owner has to mend before the bot can work, each with the sentence that mends it."""
