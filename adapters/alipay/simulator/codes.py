"""What the gateway says no with: its codes and its words.

Gateway faults have a code of their own; a business fault is 40004 with the method's own
`sub_code`. The words are the vendor's kind of words, short, and never repeat what was sent:
a client that counts braces must not stumble over an answer.
"""

from __future__ import annotations

MESSAGES = {
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Insufficient Conditions",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}

# Sub-codes of the gateway itself: code and words. Whatever is not here is a business fault.
GATEWAY = {
    "isp.unknow-error": ("20000", "服务暂不可用"),
    "aop.unknow-error": ("20000", "网关未知错误"),
    "aop.invalid-auth-token": ("20001", "无效的访问令牌"),
    "aop.auth-token-time-out": ("20001", "访问令牌已过期"),
    "isv.missing-method": ("40001", "缺少方法名参数"),
    "isv.missing-signature": ("40001", "缺少签名参数"),
    "isv.missing-signature-type": ("40001", "缺少签名类型参数"),
    "isv.missing-app-id": ("40001", "缺少AppID参数"),
    "isv.missing-timestamp": ("40001", "缺少时间戳参数"),
    "isv.missing-version": ("40001", "缺少版本参数"),
    "isv.missing-app-cert-sn": ("40002", "缺少应用公钥证书序列号"),
    "isv.missing-alipay-root-cert-sn": ("40002", "缺少支付宝根证书序列号"),
    "isv.decryption-error-missing-encrypt-type": ("40001", "解密出错，未指定加密算法"),
    "isv.invalid-parameter": ("40002", "参数无效"),
    "isv.illegal-json": ("40002", "业务参数不是合法的JSON"),
    "isv.invalid-method": ("40002", "不存在的方法名"),
    "isv.invalid-format": ("40002", "无效的数据格式"),
    "isv.invalid-charset": ("40002", "字符集错误"),
    "isv.invalid-signature-type": ("40002", "无效的签名类型"),
    "isv.invalid-signature": ("40002", "验签出错，请检查待签名字符串与应用密钥是否匹配"),
    "isv.invalid-timestamp": ("40002", "非法的时间戳参数"),
    "isv.invalid-app-id": ("40002", "无效的AppID参数"),
    "isv.invalid-encrypt-type": ("40002", "无效的加密类型"),
    "isv.invalid-encrypt": ("40002", "解密异常"),
    "isv.app-cert-not-exist": ("40002", "应用公钥证书不存在"),
    "isv.alipay-cert-not-exist": ("40002", "支付宝公钥证书不存在"),
    "isv.invalid-alipay-root-cert-sn": ("40002", "支付宝根证书序列号无效"),
    "isv.grant-type-invalid": ("40002", "授权类型无效"),
    "isv.code-invalid": ("40002", "授权码code无效"),
    "isv.refresh-token-invalid": ("40002", "刷新令牌无效"),
    "isv.refresh-token-time-out": ("40002", "刷新令牌已过期"),
    "isv.refreshed-token-invalid": ("40002", "刷新令牌已被使用"),
    "isv.app-call-limited": ("40005", "应用调用次数超限，包含调用频率超限"),
}

BUSINESS = {
    "ACQ.SYSTEM_ERROR": "接口返回错误，请用原订单号查询",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.ACCESS_FORBIDDEN": "无权限使用接口",
    "ACQ.TOTAL_FEE_EXCEED": "订单总金额超过限额",
    "ACQ.CONTEXT_INCONSISTENT": "交易信息被篡改",
    "ACQ.TRADE_HAS_SUCCESS": "交易已被支付",
    "ACQ.TRADE_HAS_CLOSE": "交易已经关闭",
    "ACQ.TRADE_HAS_FINISHED": "交易已完结",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_STATUS_ERROR": "交易状态不合法",
    "ACQ.REASON_TRADE_STATUS_INVALID": "交易状态异常，非待支付状态下不支持关单",
    "ACQ.TRADE_CANCEL_TIME_OUT": "超过撤销时间范围",
    "ACQ.BUYER_SELLER_EQUAL": "买卖家不能相同",
    "ACQ.BUYER_NOT_EXIST": "买家不存在",
    "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR": "当前时间已超过允许支付的时间",
    "ACQ.BUYER_ENABLE_STATUS_FORBID": "买家状态非法",
    "ACQ.OPEN_ID_NOT_TINY_APP": "买家标识不属于该小程序",
    "ACQ.PRODUCT_NOT_SUPPORT_IN_TINY_APP": "小程序内不支持该产品",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "同一退款请求号的参数不一致",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "退款金额无效",
    "ACQ.REFUND_FEE_ERROR": "交易退款金额有误",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "退款金额与订单金额不一致，部分退款需传退款请求号",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "商户余额不足",
    "NO_BILL_DATA": "账单数据不存在",
    "BILL_NOT_EXIST": "账单不存在",
    "INVAILID_ARGUMENTS": "入参不合法",
    "TYPE_NOT_SUPPORTED": "不支持的账单类型",
    "MSG_UNSUBSCRIBED": "用户未订阅该消息",
    "MSG_REJECTED": "用户拒收该消息",
    "MSG_SINGLE_SD_OVER": "超出单用户日发送上限",
    "FORM_ID_INVALID": "表单标识无效",
    "FORM_ID_OVER_TIME": "表单标识已过期",
    "FORM_ID_SEND_LIMIT": "表单标识的发送次数已用完",
    "USER_ID_INVALID": "用户标识无效",
    "USER_TEMPLATE_ILLEGAL": "消息模板不存在",
    "USER_TEMPLATE_LACK_KEYWORD": "缺少模板关键词",
    "USER_KEYWORD_LENGTH_ERROR": "关键词内容长度超限",
    "MESSAGE_TEMPLATE_KEYWORD_ILLEGAL": "模板中没有该关键词",
    "DATA_IS_EMPTY": "消息内容为空",
    "DATA_CONTENT_FORMAT_ERROR": "消息内容格式错误",
    "PAGE_OVER_LIMIT": "跳转页面长度超限",
    "MSG_TEMPLATE_INVALID": "消息模板无效",
    "OPENID_INVALID": "用户标识无效",
    "INVALID_PARAMETER": "参数有误",
    "QRCODE_DESC_CHECK_INVALID": "二维码描述不合法",
    "HM_BG_COLOR_INVALID": "背景颜色不合法",
    "ILLEGAL_ARGUMENT_FORMAT": "参数格式不合法",
    "CERTIFY_ID_EXPIRED": "认证单据已过期",
    "OPEN_CERTIFY_BILL_NOT_EXIST": "认证单据不存在",
    "OPEN_CERTIFY_BILL_STATUS_ERROR": "认证单据状态错误",
}


class Refused(Exception):
    """The gateway says no, with a code of the tables or another one.

    `as_error` puts it under `error_response`.
    """

    def __init__(self, sub_code: str, words: str | None = None, *, as_error: bool = False) -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code
        self.code, known = GATEWAY.get(sub_code) or (
            "40004",
            BUSINESS.get(sub_code, "业务处理失败"),
        )
        self.words = words or known
        self.as_error = as_error
