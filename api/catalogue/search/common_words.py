"""Words that the search treats in a way of their own, as lists to be read and edited.

A change of the first two calls for `index_titles.reindex`; the others tell at once.
"""

from __future__ import annotations

# Words of government that jieba's dictionary cuts apart or joins to their neighbours.
_GOVERNMENT = """
公租房 廉租房 网约车 居住证 暂住证 社保卡 医保卡 公积金 新办 补办 换证 换领
补领 申领 新生儿 无犯罪 健康证 残疾证 残疾人证 准养证 户口簿 户口本 身份证
通行证 港澳通行证 居民身份证 出生医学证明 参保 参保证明 低保 特困 失业金
失业保险金 生育津贴 高龄津贴 老年证 优待证 不动产 不动产权证 商品房 二手房
个体工商户 营业执照 分公司 小作坊 小餐饮 灵活就业 异地就医 随迁子女 学籍
转学 法律援助 见义勇为 退役军人 优抚 户外广告 占道 驾驶证 行驶证 年检 年审
上牌 过户 落户 入户 迁入 迁出 报装 纳税 完税证明 代开 一次性 设立登记
变更登记 注销登记 注册登记 结婚登记 离婚登记 出生登记 许可证 从业人员
从业资格 经营许可 宗教活动场所
"""

# Grammar, not content: neither indexed nor asked for.
_GRAMMAR = """
的 了 和 与 及 或 等 对 在 是 之 其 为 于 以 并 者 由 将 从 到 向 被 把 给
让 我 你 他 她 它 我们 你们 他们 这 那 这个 那个 也 都 就 还 又 很 吧 啊 呀
呢 吗 嘛 哦 要 想 会 能 可 去 来 得 着 过 有 没 不 个 一个 一 上 下 开 查
做 弄 搞 用 拿 找 买 卖 交 请 带 跑 样 些 里 儿 们 此 该 的话 跟 同 但 而
且 已 已经 以及
"""

# What frames a question: it names nothing that could be found.
_QUESTION = """
怎么办理 怎么办 怎么弄 怎么 怎样 如何 哪里 哪儿 在哪里 在哪 去哪里 去哪
到哪里 什么 什么材料 需要什么 需要什么材料 带什么材料 需要带什么材料
要带什么 什么手续 什么流程 多少钱 多久 请问 想问一下 问一下 我想 我要 想要
帮我 可以 可不可以 能不能 是不是 有没有 一下 网上 需要 应该 怎么样 流程
材料 手续 条件 办理 办 申请 咨询一下 听说 现在 前几天 的时候 时候 因为 所以
如果 然后 自己 该怎么办 要去哪里办 去哪里办 去哪办 在哪办 怎么申请 如何申请
如何办理 怎么领 怎么开 在哪开 行不行 好不好 多长时间 要多久 谁 我家 家里
今年 每个月 这边 那边 直接 几天 谢谢 你好 您好 麻烦 知道 不知道 刚 刚刚
要什么证 办什么证
"""

# Who it is for says less than what it is.
_PEOPLE = """
小孩 孩子 宝宝 儿童 老人 老婆 老公 妈妈 爸爸 我妈 我爸 父亲 母亲 父母 爷爷
奶奶 儿子 女儿 家人 亲人 朋友 外地人 本地人 外地 本地 老家
"""

# Jieba tags these as places, but here they say what is wanted.
_WANTED_PLACES = """
香港 澳门 台湾 港澳 内地 大陆 中国 国内 境外
"""

GOVERNMENT_WORDS = tuple(_GOVERNMENT.split())
STOP_WORDS = frozenset(_GRAMMAR.split())
QUESTION_WORDS = frozenset(_QUESTION.split())
PEOPLE = frozenset(_PEOPLE.split())
WANTED_PLACES = frozenset(_WANTED_PLACES.split())
