"""Which rule of a place says no to a request."""

from __future__ import annotations

from enum import StrEnum


class Bar(StrEnum):
    """Which rule of the place says no."""

    BLOCKED = "blocked"
    OPERATOR_USER = "operator_user"  # the operator has blocked the person everywhere
    OPERATOR_SERVER = "operator_server"  # or the server
    CHANNEL = "channel"  # `allowed` are the ids of the channels where Easel works
    AGE = "age"  # `allowed` is empty, or holds "only" where age-restricted channels are the ones that are allowed
    ROLE = "role"  # `allowed` are the ids of the roles that may use it
    MODEL = "model"  # `allowed` are the models that the place offers
    NO_SUCH_MODEL = "no_such_model"  # on no offer of this bot (any more); `allowed` is it, then those of the place
    RESOLUTION = "resolution"
    COUNT = "count"  # `allowed` is the highest number
    WORDS = "words"  # the prompt holds a blocked word or fits a blocked pattern
    UNCHECKED = "unchecked"  # a blocked pattern took too long on this prompt
    NEW_MEMBER = "new_member"  # `allowed` is the moment from which on they may, in seconds since 1970
    EDITS = "edits"  # no picture of anybody's may be edited here
    NOT_YOUR_PICTURE = "not_your_picture"  # only one's own and Easel's may be
    AUTHOR = "author"  # the one who posted the picture lets nobody edit theirs
    PRIVATE = "private"  # pictures are only for who asked for them, here or those of somebody else
    UNPRICED = "unpriced"  # a budget holds and the price is not known; `allowed` says who set it: quotas.SetBy
