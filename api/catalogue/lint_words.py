"""The words of the guide lint, by code: rule, Chinese for the editor, English.

Names in braces are filled with facts by `lint_guide.report`.
"""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str]] = {
    "credit_code_invalid": (
        0,
        "实施主体统一社会信用代码“{value}”校验不通过，请按登记证书核对18位代码。",
        "The unified social credit code {value} fails its check (GB 32100); correct it.",
    ),
    "basic_code_missing": (
        0,
        "缺少基本编码，请填写12位数字基本编码。",
        "The basic code is missing; give its twelve digits.",
    ),
    "basic_code_invalid": (
        0,
        "基本编码“{value}”应为12位数字，请更正。",
        "The basic code {value} must be twelve digits.",
    ),
    "service_code_mismatch": (
        0,
        "实施编码应由18位统一社会信用代码、1位行使层级和12位基本编码依次组成，即“{value}”，请更正。",
        "The service code must be department code, exercise level and basic code: {value}.",
    ),
    "conditions_missing": (
        0,
        "缺少受理条件，请逐条写明申请人须具备的条件。",
        "The acceptance conditions are missing; state them one by one.",
    ),
    "vague_condition": (
        0,
        "受理条件“{value}”没有写明具体要求，请改为申请人可以自行对照的条件。",
        "The condition is empty or vague; say what the applicant can check.",
    ),
    "statutory_limit_missing": (
        0,
        "缺少法定办结时限，请按设定依据填写。",
        "The statutory limit is missing; state it.",
    ),
    "promised_limit_missing": (
        0,
        "缺少承诺办结时限，请填写（当场办结填0）。",
        "The promised limit is missing; state it, 0 where decided on the spot.",
    ),
    "audience_missing": (
        0,
        "缺少服务对象，请选择自然人、法人或者两者。",
        "The audience is missing; choose natural persons, legal persons or both.",
    ),
    "handling_type_missing": (
        0,
        "缺少办件类型，请选择即办件或者承诺件。",
        "The handling type is missing; choose instant or promised.",
    ),
    "legal_basis_missing": (
        0,
        "缺少设定依据，请写明所依据的法律、法规或者规范性文件名称。",
        "The legal basis is missing; name the law or rule.",
    ),
    "result_missing": (
        0,
        "缺少办理结果名称，请写明申请人最终得到什么。",
        "The result is missing; name what the applicant holds in the end.",
    ),
    "material_necessity_missing": (
        0,
        "材料“{name}”未写明必要性，请选择必要、非必要或者视情形提供。",
        "The material does not say whether it is required.",
    ),
    "material_type_missing": (
        0,
        "材料“{name}”未写明类型，请选择原件、复印件或者原件和复印件。",
        "The material does not say whether original or copy.",
    ),
    "material_form_missing": (
        0,
        "材料“{name}”未写明形式，请选择纸质、电子或者均可。",
        "The material does not say whether paper or electronic.",
    ),
    "material_source_missing": (
        0,
        "材料“{name}”未写明来源，请选择申请人自备、政府部门核发或者其他机构出具。",
        "The material does not say where it comes from.",
    ),
    "material_copies_missing": (
        0,
        "材料“{name}”未写明份数，请填写。",
        "The material does not say how many copies.",
    ),
    "material_issuer_missing": (
        0,
        "材料“{name}”不是申请人自备，请写明出具单位。",
        "The material is not the applicant's own; name its issuer.",
    ),
    "material_condition_missing": (
        0,
        "材料“{name}”视情形提供，请写明何种情形需要提供。",
        "The material is conditional; say when it is needed.",
    ),
    "promise_exceeds_statute": (
        1,
        "承诺时限（{promised}）长于法定时限（{statutory}），请把承诺时限改为不超过法定时限。",
        "The promised limit is longer than the statutory limit; shorten it.",
    ),
    "instant_not_on_the_spot": (
        2,
        "即办件须当场办结，现承诺时限为{promised}，请改为承诺件，或者把承诺时限改为当场办结。",
        "An instant item must be decided on the spot; change the type or the promise.",
    ),
    "on_the_spot_not_instant": (
        2,
        "承诺时限（{promised}）即当场办结，办件类型应为即办件，请更正。",
        "The promise is on the spot, so the handling type must be instant.",
    ),
    "result_type_missing": (
        3,
        "已填写办理结果“{value}”，请同时选择结果类型。",
        "The result is named; give its type.",
    ),
    "result_sample_missing": (
        3,
        "已填写办理结果“{value}”，请上传结果样本。",
        "The result is named; upload a sample of it.",
    ),
    "visits_missing": (
        4,
        "未填写到办事现场次数，请填写（无需到场填0）。",
        "The number of visits is missing; give it, 0 where none is needed.",
    ),
    "visit_reason_missing": (
        4,
        "到办事现场次数为{value}次，请说明必须现场办理的原因。",
        "Visits are demanded; say why.",
    ),
    "visit_reason_without_visit": (
        4,
        "到办事现场次数为0，请删除必须现场办理的原因，或者更正次数。",
        "No visit is demanded, so there must be no reason for one.",
    ),
    "courier_missing": (
        5,
        "无需到场且不能全程网办的事项须支持物流快递，请开通快递或者更正到场次数。",
        "No visit and not wholly online: offer a courier or correct the visits.",
    ),
    "visit_despite_wholly_online": (
        6,
        "网办深度为全程网办（四级），到办事现场次数应为0，现为{value}次，请更正其中一项。",
        "The item is wholly online (depth IV), so visits must be 0.",
    ),
    "payment_without_charge": (
        7,
        "不收费事项不应提供网上支付，请关闭网上支付或者更正收费信息。",
        "The item is free, so online payment must not be offered.",
    ),
    "fees_without_charge": (
        7,
        "标明不收费却列有收费项目，请删除收费项目或者更正是否收费。",
        "The item says it is free yet lists fees; correct one of them.",
    ),
    "fees_missing": (
        7,
        "收费事项须列明收费项目、标准和依据，请补充。",
        "The item is charged; list fee items with standard and basis.",
    ),
    "fee_standard_missing": (
        7,
        "收费项目“{name}”缺少收费标准，请补充。",
        "The fee does not state its standard.",
    ),
    "fee_basis_missing": (
        7,
        "收费项目“{name}”缺少收费依据，请补充。",
        "The fee does not state its basis.",
    ),
    "fee_reduction_basis_missing": (
        7,
        "收费项目“{name}”允许减免却缺少减免依据，请补充。",
        "The fee is reducible but does not state on what basis.",
    ),
    "enquiry_phone_missing": (
        8,
        "缺少咨询电话，请填写带区号的号码。",
        "The enquiry phone is missing; give it with its area code.",
    ),
    "complaint_phone_missing": (
        8,
        "缺少监督投诉电话，请填写带区号的号码。",
        "The complaint phone is missing; give it with its area code.",
    ),
    "phone_without_area_code": (
        8,
        "电话“{value}”没有区号，请按“区号-号码”填写，或者填写12345一类五位政务热线。",
        "The phone has no area code and is no public-service hot-line.",
    ),
    "phones_identical": (
        8,
        "咨询电话与监督投诉电话相同，请分别填写不同的号码。",
        "Enquiry and complaint phones are the same; they must differ.",
    ),
    "places_missing": (
        9,
        "缺少办理地点，请填写地址、窗口和办理时间。",
        "The place is missing; give address, window and hours.",
    ),
    "hours_without_working_days": (
        9,
        "“{name}”的办理时间未说明工作日，请写明星期几和起止时间。",
        "The hours do not say on which working days; state them.",
    ),
    "address_too_coarse": (
        9,
        "办理地址“{value}”未具体到窗口或者门牌号，请补充。",
        "The address does not reach a window or a door; complete it.",
    ),
    "audience_without_theme": (
        10,
        "服务对象包含{value}，请选择{value}主题分类。",
        "This audience is served, so a theme of its class is needed.",
    ),
    "theme_without_audience": (
        10,
        "服务对象不含{value}，请删除{value}主题分类或者更正服务对象。",
        "This theme class belongs to an audience that is not served.",
    ),
    "faq_missing": (
        11,
        "行政许可事项至少应有一条常见问题及解答，请补充。",
        "A licence needs at least one frequent question with its answer.",
    ),
    "licence_stage_missing": (
        12,
        "行政许可办理流程缺少“{value}”环节，请补充。",
        "The steps of a licence lack one of its five stages.",
    ),
    "steps_exceed_promise": (
        12,
        "各环节时限合计{value}个工作日，超过承诺时限（{promised}），请调整。",
        "The step times add up to more than the promised limit.",
    ),
    "vague_material": (
        13,
        "材料“{name}”表述含糊，请删去“其他”“有关”“等”一类字样，逐项写明材料的确切名称。",
        "The material is vague; name each material exactly.",
    ),
    "blank_form_missing": (
        14,
        "材料“{name}”是表格，请上传空白表格。",
        "The material is a form; upload the blank form.",
    ),
    "filled_sample_missing": (
        14,
        "材料“{name}”是表格，请上传填写示例。",
        "The material is a form; upload a filled sample.",
    ),
    "form_not_marked": (
        14,
        "材料“{name}”从名称看是需要填写的表格，请标为表格并上传空白表格和填写示例。",
        "The material is a form by its name; mark it and upload blank form and sample.",
    ),
    "never_assured": (
        15,
        "指南从未确认有效，请核对全文后确认。",
        "Nobody has assured this guide; check it and assure it.",
    ),
    "assured_in_future": (
        15,
        "确认日期{value}晚于今天，请更正。",
        "The day of assurance lies in the future; correct it.",
    ),
    "stale": (
        15,
        "指南上次确认日期为{value}，已超过12个月，请核对全文后重新确认。",
        "Nobody has assured this guide for twelve months; check it and assure it.",
    ),
}

RULE_TITLES: dict[int, str] = {
    0: "编码规范，条件、时限、材料等要素齐全",
    1: "承诺时限不超过法定时限",
    2: "即办件当场办结，当场办结的是即办件",
    3: "有结果名称就有结果类型和样本",
    4: "需要到场就说明理由，不需要到场就不写理由",
    5: "不到场又不能全程网办的提供寄递",
    6: "全程网办的到场次数为 0",
    7: "收费有依据、项目和标准，不收费不提供网上支付",
    8: "咨询和投诉电话齐全、不同、带区号",
    9: "办理时间说明工作日，地址到窗口或门牌",
    10: "服务对象与主题分类一致",
    11: "行政许可至少有一个常见问题",
    12: "许可环节完整，环节时限之和不超过承诺时限",
    13: "没有含糊的材料",
    14: "表格类材料有空白表和样表",
    15: "12 个月内核验过",
    16: "办理流程的表单、环节、缴费和决策表可以执行",
}
