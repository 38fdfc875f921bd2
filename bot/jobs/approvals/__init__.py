"""Approvals: members ask to post private results, moderators decide, and what they decided is carried out."""
