"""The table's goals, and the list of rows.

A row is a function of the bed that runs once what it compares, side by side, and gives one Round for each line of the table
it fills: the one value that the goal is about, and the figures it was made of. It is called --rounds times; the table has
the medians."""
import dataclasses
import os

import peer

ROWS = {}


@dataclasses.dataclass
class Goal:
    work: str
    text: str
    at_least: float = None
    at_most: float = None
    unit: str = "×"

    def met(self, value):
        return value >= self.at_least if self.at_least is not None else value <= self.at_most


@dataclasses.dataclass
class Round:
    goal: Goal
    value: float
    figures: dict  # name with unit → number


def row(name, wants=lambda: None):
    """wants gives the reason why the row cannot be measured on this machine, or None."""
    def add(function):
        ROWS[name] = (function, wants)
        return function
    return add


def no_peer():
    return None if peer.installed() else "syslog-ng with its http module is not installed"


def no_second_core():
    return None if len(os.sched_getaffinity(0)) >= 2 else "one core only"
