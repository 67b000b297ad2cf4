"""How many citizens there are at each moment, and the table of all scenarios.

A shape is a list of corners (share of the run's time, share of the most users), joined by
straight lines, so that one scenario runs for ten seconds or for an hour. Nothing here
imports Locust, which alters the standard library of the process that does.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from msgspec import Struct

Shape = tuple[tuple[float, float], ...]

CALM: Shape = ((0.0, 1.0), (1.0, 1.0))
"""Everybody is there all the time."""
MORNING: Shape = ((0.0, 0.1), (0.4, 1.0), (1.0, 1.0))
"""The doors open: few, then more and more, then all."""
SURGE: Shape = ((0.0, 0.15), (0.3, 0.15), (0.35, 1.0), (0.6, 1.0), (0.65, 0.15), (1.0, 0.15))
"""A message goes to everybody's phone, and later it is quiet again."""

BURSTS: Shape = (
    *((0.0, 0.25), (0.15, 0.25), (0.2, 1.0), (0.35, 1.0), (0.4, 0.25)),
    *((0.55, 0.25), (0.6, 1.0), (0.75, 1.0), (0.8, 0.25), (1.0, 0.25)),
)
"""Twice it comes all at once."""


class Scenario(Struct, frozen=True):
    """Who comes (classes named in locustfile.py, with their share), how, and what breaks meanwhile.

    `users` is the most at once; `think_scale` shortens the pauses between a citizen's steps:
    0.25 makes one virtual user ask as often as four people.
    """

    about: str
    callers: dict[str, int]
    shape: Shape
    users: int
    seconds: int = 60
    think_scale: float = 1.0
    fault: Literal["kill_cache"] | None = None


SCENARIOS: dict[str, Scenario] = {
    "catalogue": Scenario(
        "办事高峰的早晨：找事项、看指南、下载空白表格",
        {"CatalogueCitizen": 1},
        MORNING,
        users=400,
        think_scale=0.4,
    ),
    "catalogue-surge": Scenario(
        "一条通知发到全城手机上，人数瞬间涨到近七倍",
        {"CatalogueCitizen": 1},
        SURGE,
        users=600,
        think_scale=0.4,
    ),
    "catalogue-without-cache": Scenario(
        "运行到一半时强制终止缓存 (SIGKILL Valkey)，答案必须照样正确",
        {"CatalogueCitizen": 1},
        CALM,
        users=250,
        think_scale=0.4,
        fault="kill_cache",
    ),
    "apply": Scenario(
        "窗口开门的早晨：登录、申请、上传材料、看进度，部门系统同时推送办理结果",
        {"ApplyingCitizen": 9, "CaseSystem": 1},
        MORNING,
        users=120,
        think_scale=0.4,
    ),
    "progress": Scenario(
        "大家都在看办到哪一步，部门系统不断推送：推送后一秒，人人都要看到",
        {"WaitingCitizen": 24, "CaseSystem": 1},
        MORNING,
        users=200,
        think_scale=0.3,
    ),
    "platform-pushes": Scenario(
        "部门系统成批推送：每批最多五百条，有重复、有迟到、有不可能的",
        {"BulkSystem": 1},
        BURSTS,
        users=8,
    ),
    "payments": Scenario(
        "缴费：两个渠道下单、付款、查结果，有人取消、有人重复点、有人两边一起付，部门还退几笔",
        {"PayingCitizen": 30, "RefundDesk": 1},
        MORNING,
        users=62,
        think_scale=0.4,
    ),
    "notice-storm": Scenario(
        "渠道的通知风暴：同一笔付款的通知乱序重复十遍，夹着伪造的和故意签错的",
        {"NoticeStorm": 1},
        CALM,
        users=12,
        think_scale=0.1,
    ),
}


def users_at(shape: Shape, share_of_time: float, most: int) -> int:
    """How many users there are at that share of the run, at least one."""
    for (left, low), (right, high) in pairwise(shape):
        if share_of_time <= right:
            part = (share_of_time - left) / (right - left)
            return max(1, round(most * (low + (high - low) * part)))
    return max(1, round(most * shape[-1][1]))
