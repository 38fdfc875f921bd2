"""Jobs of several users at random moments, bots killed at random moments, Discord and the image API in random trouble.

What is promised must hold all the same: nothing is lost, nothing is bought or posted twice. `python -m tools.torture`
prints how it went; run.py puts the parts together, count.py says what came of each job.
"""
