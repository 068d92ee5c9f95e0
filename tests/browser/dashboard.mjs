// The dashboard in a real browser, with every request to another machine refused and counted: figures, charts, both languages, the way to
// the records behind a figure, and what a token without rights sees.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';
import assert from 'node:assert/strict';

const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 1100 } });
const elsewhere = [];
const faults = [];
await page.route('**/*', (route) => {
  const url = new URL(route.request().url());
  if (url.hostname === '127.0.0.1' || url.protocol === 'data:' || url.protocol === 'blob:') return route.continue();
  elsewhere.push(url.href);
  return route.abort();
});
page.on('pageerror', (error) => faults.push(String(error)));
page.on('console', (message) => { if (message.type() === 'error' && /Content Security Policy/.test(message.text())) faults.push(message.text()); });

// Without a token there is the page, and nothing on it.
await page.goto(`${process.env.ADDRESS}/dashboard`);
await page.waitForFunction(() => document.getElementById('hint').textContent !== '');
assert.equal(await page.isVisible('#board'), false);

await page.goto('about:blank');
await page.goto(`${process.env.ADDRESS}/dashboard#token=${process.env.TOKEN}&language=en`);
await page.waitForSelector('#board:not([hidden]) canvas#overdue');
const tile = (name) => page.textContent(`.tile:has(span:text-is("${name}"))`);
const shown = await tile('Releases');
// What the page shows is what the API says.
const told = await page.evaluate(async (token) => {
  const answer = await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token },
    body: JSON.stringify({ query: '{ metrics { releases { total { value } } overdueActions { total { value } } } }' }) });
  return (await answer.json()).data.metrics;
}, process.env.TOKEN);
assert.ok(told.releases.total.value > 0);
assert.equal(shown, `Releases${told.releases.total.value}`);
assert.ok((await tile('Overdue actions')).startsWith(`Overdue actions${told.overdueActions.total.value}`));
const charts = await page.locator('figure canvas').count();
// Something was painted on each.
const painted = await page.$$eval('figure canvas', (all) => all.filter((c) => new Uint8Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer).some((byte) => byte !== 0)).length);
// Each figure that leads somewhere leads there.
for (const name of ['Overdue actions', 'Problems', 'Releases']) {
  await page.click(`.tile:has(span:text-is("${name}"))`);
  await page.waitForFunction((name) => document.getElementById('behind-title').textContent.startsWith(name + ': ') && document.querySelector('#behind li'), name);
}
assert.equal(await page.textContent('#behind-title'), `Releases: ${told.releases.total.value}`);
assert.equal(await page.textContent('#hint'), '');

// One product, in Chinese.
await page.selectOption('#language', 'zh-CN');
await page.waitForSelector('.tile:has(span:text-is("发布数"))');
await page.selectOption('#product', 'netaudit');
await page.click('#filter button');
await page.waitForFunction((all) => { const t = [...document.querySelectorAll('.tile')].find((e) => e.firstChild.textContent === '发布数'); return t && Number(t.querySelector('strong').textContent) < all; }, told.releases.total.value);
assert.ok((await page.textContent('#charts')).includes('各部门超期措施'));
if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });

// A pipeline reads no figures, and is told so.
await page.fill('#token', process.env.PIPELINE);
await page.press('#token', 'Enter');
await page.waitForFunction(() => document.getElementById('hint').textContent.includes('所需权限'));
assert.equal(await page.isVisible('#board'), false);
await browser.close();
assert.deepEqual([charts, painted], [6, 6]);
assert.deepEqual(elsewhere, [], 'the page asked other machines');
assert.deepEqual(faults, []);
console.log('dashboard: figures shown in both languages, painted, led to their records; refused without rights; 3 passed, 0 failed');
