//! What the demo company writes.

/// Key, name, project.
pub const PRODUCTS: [(&str, &str, &str); 3] = [
    ("netaudit", "XX 网络安全审计系统", "github.com/xx/netaudit"),
    ("datashield", "XX 数据防泄漏系统", "gitlab.xx.example/security/datashield"),
    ("sentinel", "XX 终端威胁检测平台", "github.com/xx/sentinel"),
];

/// Subject, name, department. The first of a department heads it.
pub const PEOPLE: [(&str, &str, &str); 14] = [
    ("u-1001", "张伟", "PRODUCT"),
    ("u-1002", "王芳", "PRODUCT"),
    ("u-1021", "李强", "RND"),
    ("u-1022", "黄磊", "RND"),
    ("u-1031", "钱进", "TEST"),
    ("u-1032", "周敏", "TEST"),
    ("u-1041", "赵磊", "OPS"),
    ("u-1042", "孙婷", "OPS"),
    ("u-1051", "吴迪", "INFOSEC"),
    ("u-1061", "郑爽", "CUSTOMER_SUCCESS"),
    ("u-1062", "冯雪", "CUSTOMER_SUCCESS"),
    ("u-1071", "陈建国", "COMMITTEE"),
    ("u-1072", "刘洋", "COMMITTEE"),
    ("u-1081", "何丽", "COMMITTEE_OFFICE"),
];

/// Description, resolution, owners.
pub const PROBLEMS: [(&str, &str, &[&str]); 10] = [
    ("部署过程中应用服务器内存占用突增", "临时扩容内存，后续优化程序内存占用", &["OPS", "RND"]),
    ("灰度发布第一批用户反馈新功能加载缓慢", "调整 CDN 配置，加快资源加载速度", &["OPS", "PRODUCT"]),
    ("某客户接口对接失败，无法使用新增功能", "研发部提供临时适配补丁，后续迭代优化接口兼容性", &["RND", "CUSTOMER_SUCCESS"]),
    ("数据库升级脚本执行超时", "拆分脚本分批执行，并补充索引", &["RND", "OPS"]),
    ("升级后审计日志采集中断", "重启采集代理并修复配置模板", &["OPS"]),
    ("部分租户权限缓存未刷新", "手动清理缓存，增加发布后自动刷新步骤", &["RND"]),
    ("负载均衡健康检查误判节点下线", "调整检查阈值与重试次数", &["OPS"]),
    ("预发布环境与生产配置不一致导致验证遗漏", "统一配置中心，增加差异比对", &["OPS", "TEST"]),
    ("报表导出在大数据量时失败", "改为异步导出并限制单次数据量", &["RND", "TEST"]),
    ("证书链不完整，旧版客户端无法连接", "补齐中间证书并复测", &["INFOSEC", "OPS"]),
];

/// Description, solution, lesson.
pub const CASES: [(&str, &str, &str); 6] = [
    ("部分 Windows 7 用户无法安装补丁版本", "研发部紧急适配 Windows 7 系统，提供专属安装包", "需加强老旧系统兼容性测试"),
    ("高并发场景下报表生成超时", "优化数据库查询语句，增加缓存层", "性能测试需覆盖极限并发场景"),
    ("升级后自定义规则丢失", "提供规则恢复工具并补充迁移校验", "升级流程需校验用户自定义数据"),
    ("邮件告警延迟", "扩容消息队列消费者", "告警链路需纳入容量评估"),
    ("单点登录回调失败", "修正回调地址白名单", "第三方集成项应列入发布检查清单"),
    ("移动端页面显示错位", "修复样式并增加机型覆盖", "移动端需纳入回归测试"),
];

/// Department, performance, shortcomings, suggestions.
pub const EVALUATIONS: [(&str, &str, &str, &str); 6] = [
    ("PRODUCT", "需求传达清晰，进度跟踪及时", "客户侧沟通不够提前", "发布前 7 天完成客户通知，提供操作指引"),
    ("RND", "缺陷修复响应迅速", "预发布环境测试覆盖不全", "增加预发布环境全量功能回归测试环节"),
    ("TEST", "测试用例设计全面", "性能测试场景不够丰富", "结合用户实际使用场景优化性能测试方案"),
    ("OPS", "部署流程规范，回滚准备充分", "硬件资源预警不及时", "完善资源监控告警机制，提前 2 天检查资源余量"),
    ("INFOSEC", "漏洞评估及时", "渗透测试排期靠后", "将渗透测试前移到预发布阶段"),
    ("CUSTOMER_SUCCESS", "用户反馈收集及时", "问题初步定位能力不足", "开展产品技术培训，提升一线问题响应能力"),
];

/// Statements of what fell short.
pub const SHORTCOMINGS: [&str; 5] = [
    "预发布环境验证不够充分，导致发布中出现性能问题",
    "跨部门信息同步存在延迟，如变更窗口调整未及时通知客户成功部",
    "发布后问题初步定位能力不足，影响问题处理效率",
    "回滚演练频次不足",
    "发布文档更新滞后于版本内容",
];

/// What became better.
pub const HIGHLIGHTS: [&str; 4] = ["系统扫描效率、用户操作便捷性", "审计日志检索速度", "策略下发稳定性", "告警准确率与处置闭环效率"];

/// Why a milestone was late.
pub const DELAYS: [&str; 4] = ["新增 1 个 P1 级缺陷修复", "网络短暂波动", "审批流程等待参会人员", "预发布环境资源不足"];

/// Measure, verification, owners (the first leads where there are several).
pub const MEASURES: [(&str, &str, &[&str]); 6] = [
    ("完善预发布环境测试清单，增加“生产环境模拟测试”项，由测试部与运维部联合执行", "下一次发布前检查测试清单执行情况", &["TEST", "OPS"]),
    ("建立发布期间跨部门实时沟通群，每小时同步一次进展，异常情况即时通报", "日常发布过程监督", &["PRODUCT"]),
    ("每季度组织一次“发布问题处理”培训，覆盖客户成功部、运维部一线人员", "培训考核、实际问题处理效果评估", &["PRODUCT", "RND"]),
    ("修订《产品发布管理内部规范》，明确程序包提交时限及确认流程", "规范发布后检查执行情况", &["PRODUCT"]),
    ("数据库变更脚本纳入双人评审与预发布演练", "抽查最近三次发布的评审记录", &["RND", "OPS"]),
    ("完善容量监控并设置提前两天的预警", "检查监控项与告警记录", &["OPS"]),
];
