"""The sandbox page: a chat in the browser, in front of the local Discord.

`page.Page` is the door. The front end in `static/` is plain HTML, CSS and JavaScript modules; this side only carries
what a person does to `sandbox.discord.person.Person`, and what happens there back.
"""
