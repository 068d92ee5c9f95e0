// The dashboard: the reference client of `metrics`. It uses the public API only, with the token of whoever looks.
(function () {
  'use strict';
  const $ = (id) => document.getElementById(id);
  const zh = () => $('language').value === 'zh-CN';
  const say = (en, chinese) => (zh() ? chinese : en);

  // A link of the form /dashboard#token=… fills the token in; the part after # is never sent to a server.
  const given = new URLSearchParams(location.hash.slice(1));
  $('token').value = given.get('token') || sessionStorage.getItem('relsum-token') || '';
  $('language').value = given.get('language') || sessionStorage.getItem('relsum-language') || (navigator.language.startsWith('zh') ? 'zh-CN' : 'en');
  if (location.hash) history.replaceState(null, '', location.pathname);

  const ask = async function (query, variables) {
    const answer = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept': 'application/graphql-response+json',
        'accept-language': $('language').value,
        'authorization': 'Bearer ' + $('token').value.trim(),
      },
      body: JSON.stringify({ query, variables }),
    });
    if (answer.status === 401) throw new Error(say('The token is missing or not accepted.', '令牌缺失或无效。'));
    const body = await answer.json();
    if (body.errors && !body.data) throw new Error(body.errors[0].message);
    if (body.errors && Object.values(body.data).every((value) => value === null)) throw new Error(body.errors[0].message);
    return body.data;
  };

  const CHOICES = `{
    products { key name }
    departments { code name }
  }`;

  const FIGURES = `query($where: MetricsWhere) {
    metrics(where: $where) {
      from to
      releases(groupBy: [MONTH]) { ...Counts total { value drillDown { list counted } } }
      onTimeReleaseRate { definition { sentence } total { value numerator denominator } }
      onTimeByDepartment: onTimeReleaseRate(groupBy: [DEPARTMENT]) { groups { value keys { value label } } }
      releaseDelayMinutes(groupBy: [MONTH]) { definition { sentence } total { mean sampleSize } groups { mean keys { value label } } }
      problems(groupBy: [MONTH, IMPACT]) { ...Counts total { value drillDown { list counted } } }
      rollbackRate { definition { sentence } total { value numerator denominator } }
      deploymentFrequency { definition { sentence } total { value numerator denominator } }
      changeFailureRate { definition { sentence } total { value numerator denominator } }
      leadTimeMinutes { definition { sentence } total { value sampleSize } }
      overdueActions(groupBy: [DEPARTMENT]) { definition { sentence } total { value meanDays drillDown { list counted } } groups { value keys { value label } } }
      actionOnTimeRate { definition { sentence } total { value numerator denominator } }
      postReleaseIssues(groupBy: [ISSUE_CATEGORY]) { definition { sentence } total { value } groups { fixed unfixed keys { value label } } }
      satisfaction { definition { sentence } total { value sampleSize } }
      reportCycleMinutes { definition { sentence } total { value sampleSize drafting signature committee } }
    }
  }
  fragment Counts on CountMetric { definition { sentence } groups { value keys { value label } } }`;

  const LISTS = {
    REPORTS: ['reports', 'nodes { number version product { name } }', (r) => [r.number, r.version, r.product && r.product.name]],
    PROBLEMS: ['problems', 'nodes { code description report { number } }', (p) => [p.report.number, p.code, p.description]],
    ACTION_OCCURRENCES: ['actionOccurrences', 'nodes { dueOn action { measure report { number } } }', (o) => [o.action.report.number, o.dueOn, o.action.measure]],
  };

  const text = function (element, content) { element.textContent = content; return element; };
  const make = (tag, content, name) => { const e = document.createElement(tag); if (name) e.className = name; return content === undefined ? e : text(e, content); };
  const share = (value) => (value === null ? '–' : (value * 100).toFixed(1) + ' %');
  const number = (value, digits) => (value === null || value === undefined ? '–' : value.toLocaleString($('language').value, { maximumFractionDigits: digits || 0 }));
  const hours = (minutes) => (minutes === null ? '–' : number(minutes / 60, 1) + ' h');

  // The records behind a figure, by its own drill-down.
  const behind = async function (title, drillDown) {
    const known = LISTS[drillDown.list];
    if (!known) return;
    const [list, selection, row] = known;
    try {
      const found = (await ask(`query($counted: ID) { ${list}(counted: $counted, first: 50) { totalCount ${selection} } }`, { counted: drillDown.counted }))[list];
      text($('behind-title'), `${title}: ${found.totalCount}`);
      $('behind-list').replaceChildren(...found.nodes.map((node) => make('li', row(node).filter(Boolean).join(' · '))));
      $('behind').hidden = false;
    } catch (error) {
      text($('hint'), error.message);
    }
  };

  const tile = function (title, figure, value, small) {
    const drill = figure.total.drillDown && figure.total.drillDown[0];
    const box = make(drill ? 'button' : 'div', undefined, 'tile');
    if (drill) { box.type = 'button'; box.addEventListener('click', () => behind(title, drill)); }
    box.append(make('span', title), make('strong', value), make('small', small || ''));
    box.title = figure.definition.sentence;
    return box;
  };

  const drawn = [];
  const chart = function (id, title, type, labels, datasets, options) {
    const figure = make('figure');
    const holder = make('div');
    const canvas = make('canvas');
    canvas.id = id;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', title);
    holder.append(canvas);
    figure.append(make('figcaption', title), holder);
    $('charts').append(figure);
    const scales = { y: { beginAtZero: true, ticks: { precision: 0 }, ...(options || {}) } };
    drawn.push(new Chart(canvas, { type, data: { labels, datasets }, options: { animation: false, responsive: true, maintainAspectRatio: false, scales, plugins: { legend: { display: datasets.length > 1 } } } }));
  };
  const COLORS = ['#3b6fd4', '#e08a1e', '#c0392b', '#4b9e6b', '#7d5ba6', '#8a8f9c'];
  const series = (label, data, index, more) => ({ label, data, backgroundColor: COLORS[index], borderColor: COLORS[index], ...more });

  // Groups by two keys as one series for each second key.
  const stacked = function (groups) {
    const labels = [...new Set(groups.map((g) => g.keys[0].label))];
    const names = [...new Set(groups.map((g) => g.keys[1].label))];
    const at = (label, name) => (groups.find((g) => g.keys[0].label === label && g.keys[1].label === name) || { value: 0 }).value;
    return { labels, sets: names.map((name, index) => series(name, labels.map((label) => at(label, name)), index, { stack: 'one' })) };
  };

  const show = function (m) {
    drawn.splice(0).forEach((c) => c.destroy());
    $('charts').replaceChildren();
    $('behind').hidden = true;
    const of = (t) => `${t.numerator} / ${t.denominator}`;
    const cycle = m.reportCycleMinutes.total;
    $('tiles').replaceChildren(
      tile(say('Releases', '发布数'), m.releases, number(m.releases.total.value)),
      tile(say('On time', '按时发布率'), m.onTimeReleaseRate, share(m.onTimeReleaseRate.total.value), of(m.onTimeReleaseRate.total)),
      tile(say('Mean delay of late releases', '延迟发布平均延迟'), m.releaseDelayMinutes, number(m.releaseDelayMinutes.total.mean, 1) + ' min', `n = ${m.releaseDelayMinutes.total.sampleSize}`),
      tile(say('Problems', '问题数'), m.problems, number(m.problems.total.value)),
      tile(say('Rolled back', '回滚率'), m.rollbackRate, share(m.rollbackRate.total.value), of(m.rollbackRate.total)),
      tile(say('Deployments a day', '日均部署次数'), m.deploymentFrequency, number(m.deploymentFrequency.total.value, 2), of(m.deploymentFrequency.total)),
      tile(say('Change failure rate', '变更失败率'), m.changeFailureRate, share(m.changeFailureRate.total.value), of(m.changeFailureRate.total)),
      tile(say('Lead time', '前置时间'), m.leadTimeMinutes, hours(m.leadTimeMinutes.total.value), `n = ${m.leadTimeMinutes.total.sampleSize}`),
      tile(say('Overdue actions', '超期措施'), m.overdueActions, number(m.overdueActions.total.value), say('mean days: ', '平均超期天数：') + number(m.overdueActions.total.meanDays, 1)),
      tile(say('Actions on time', '措施按时完成率'), m.actionOnTimeRate, share(m.actionOnTimeRate.total.value), of(m.actionOnTimeRate.total)),
      tile(say('Satisfaction', '用户满意度'), m.satisfaction, number(m.satisfaction.total.value, 2), `n = ${m.satisfaction.total.sampleSize}`),
      tile(say('From release to filing', '发布到备案'), m.reportCycleMinutes, hours(cycle.value), `n = ${cycle.sampleSize}`),
    );
    const months = m.releases.groups.map((g) => g.keys[0].label);
    chart('releases', say('Releases by month', '每月发布数'), 'bar', months, [series(say('Releases', '发布数'), m.releases.groups.map((g) => g.value), 0)]);
    chart('delay', say('Mean delay of late releases, minutes', '延迟发布平均延迟（分钟）'), 'line', m.releaseDelayMinutes.groups.map((g) => g.keys[0].label), [series(say('Minutes', '分钟'), m.releaseDelayMinutes.groups.map((g) => g.mean), 1, { spanGaps: true })]);
    const departments = m.onTimeByDepartment.groups;
    chart('on-time', say('On-time rate by department, %', '各部门按时发布率（%）'), 'bar', departments.map((g) => g.keys[0].label), [series('%', departments.map((g) => g.value === null ? null : g.value * 100), 3)], { max: 100 });
    const impacts = stacked(m.problems.groups);
    chart('problems', say('Problems by month and impact', '每月问题数（按影响程度）'), 'bar', impacts.labels, impacts.sets);
    chart('overdue', say('Overdue actions by department', '各部门超期措施'), 'bar', m.overdueActions.groups.map((g) => g.keys[0].label), [series(say('Overdue', '超期'), m.overdueActions.groups.map((g) => g.value), 2)]);
    const issues = m.postReleaseIssues.groups;
    chart('issues', say('Issues after releases', '发布后问题'), 'bar', issues.map((g) => g.keys[0].label), [
      series(say('Fixed', '已修复'), issues.map((g) => g.fixed), 3, { stack: 'one' }), series(say('Unfixed', '未修复'), issues.map((g) => g.unfixed), 2, { stack: 'one' })]);
    $('board').hidden = false;
  };

  const month = (value) => value.slice(0, 7);
  const lastDay = (value) => { const [y, m] = value.split('-').map(Number); return `${value}-${String(new Date(Date.UTC(y, m, 0)).getUTCDate()).padStart(2, '0')}`; };
  const chosen = (id) => ($(id).value ? [$(id).value] : undefined);
  const load = async function () {
    sessionStorage.setItem('relsum-token', $('token').value);
    sessionStorage.setItem('relsum-language', $('language').value);
    document.documentElement.lang = $('language').value;
    document.title = say('Relsum · Dashboard', 'Relsum · 发布看板');
    document.querySelectorAll('[data-en]').forEach((e) => text(e, say(e.dataset.en, e.dataset.zh)));
    $('token').placeholder = say('paste a token, or make one: relsum token', '粘贴令牌，或用 relsum token 生成');
    text($('hint'), '');
    if (!$('token').value.trim()) { $('board').hidden = true; text($('hint'), say('A token is needed.', '请先输入令牌。')); return; }
    try {
      const choices = await ask(CHOICES);
      const fill = (id, list) => {
        const before = $(id).value;
        const option = (value, label) => { const o = make('option', label); o.value = value; return o; };
        $(id).replaceChildren(option('', say('all', '全部')), ...list.map(([value, label]) => option(value, label)));
        $(id).value = before;
      };
      fill('product', choices.products.map((p) => [p.key, p.name]));
      fill('department', choices.departments.map((d) => [d.code, d.name]));
      const where = { products: chosen('product'), departments: chosen('department') };
      if ($('from').value && $('to').value) where.period = { from: $('from').value + '-01', to: lastDay($('to').value) };
      const { metrics } = await ask(FIGURES, { where });
      $('from').value = month(metrics.from);
      $('to').value = month(metrics.to);
      show(metrics);
    } catch (error) {
      $('board').hidden = true;
      text($('hint'), error.message);
    }
  };
  $('who').addEventListener('submit', (event) => { event.preventDefault(); load(); });
  $('filter').addEventListener('submit', (event) => { event.preventDefault(); load(); });
  $('token').addEventListener('change', load);
  $('language').addEventListener('change', load);
  load();
})();
