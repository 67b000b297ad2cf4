"""What people type into the search box, and what a right answer must be about."""

from __future__ import annotations

from msgspec import Struct


class Search(Struct, frozen=True):
    """Words as typed; one of the first names found must contain `about`."""

    words: str
    about: str


_WORDS = """
身份证丢了 身份证 · 身份证过期了怎么办 身份证 · 身份证 身份证 · 小孩上户口 登记
户口迁移 户口 · 居住证办理 居住证 · 护照 护照 · 去香港玩办什么证 港澳
驾照掉了补一个 驾驶证 · 驾驶证快到期了 驾驶证 · 新车上牌 机动车 · 车子年审 机动车
扯证结婚要带什么 结婚 · 结婚证不见了 结婚 · 离婚怎么办手续 离婚 · 怎么交医保 医疗
异地就医备案 异地 · 社保卡丢了 社会保障卡 · 社保卡 社会保障卡 · 失业保险金申领 失业
公积金提取 公积金 · 公积金取出来交房租 公积金 · 公租房申请 公共租赁 · 不动产 不动产
办房产证 不动产 · 个体户营业执照 个体 · 注册公司 公司 · 开个奶茶店要什么证 食品
食品经营许可 食品 · 店里员工办健康证 健康 · 教师资格认定 教师 · 小孩上小学报名 入学
残疾证掉了 残疾 · 吃低保 最低生活保障 · 高龄补贴 高龄 · 法律援助 法律援助
无犯罪证明在哪开 犯罪 · 办退休 退休 · 上班受伤了怎么赔 工伤 · sfz 身份证
gjj 公积金 · huzhao 护照 · jiehundengji 结婚 · shebaoka 社会保障卡 · jzz 居住证
"""

SEARCHES = tuple(
    Search(*pair.split()) for pair in _WORDS.replace("\n", " · ").split("·") if pair.split()
)
