"""Easel: a Discord bot that paints with the UniAll Grok Imagine image API."""
