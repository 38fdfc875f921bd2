"""Requests on their way in: commands, buttons, forms and menus, and how a refusal is said."""
