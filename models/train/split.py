"""Which part of the data a combination belongs to.

Every item names the combinations it is made of (a room with a device, a phrasing with a device, ...).  A combination is hashed
to train, valid or test, once and for ever; an item is for training only if all of its combinations are.  So no random draw can
leak a test item into training: the training stream never contains the combination, whatever else the item says.
"""
# SPDX-License-Identifier: MIT
import functools
import hashlib

TEST, VALID = 6, 3  # of 100 combinations


@functools.lru_cache(maxsize=None)
def split(key):
    """train, valid or test of one combination, a tuple of strings."""
    h = int.from_bytes(hashlib.sha256("\x1f".join(key).encode()).digest()[:8], "big") % 100
    return "test" if h < TEST else "valid" if h < TEST + VALID else "train"


def split_of(keys):
    """The part of an item; None where combinations of valid and test meet: such an item is used nowhere.  Without any, training."""
    parts = {split(k) for k in keys}
    if parts <= {"train"}:
        return "train"
    if "test" in parts:
        return None if "valid" in parts else "test"
    return "valid"
