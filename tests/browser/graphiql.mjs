// A query typed, run and answered in GraphiQL, with every request to another machine refused and counted.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';
import assert from 'node:assert/strict';

const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
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

await page.goto(`${process.env.ADDRESS}/#token=${process.env.TOKEN}`);
await page.waitForSelector('.graphiql-query-editor .CodeMirror');
await page.evaluate(() => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(''));
await page.click('.graphiql-query-editor .CodeMirror');
await page.keyboard.type('{ viewer { name } reports(first: 1) { totalCount', { delay: 5 });
await page.keyboard.press('Escape');
await page.click('.graphiql-execute-button');
await page.waitForFunction(() => document.querySelector('.result-window')?.textContent.includes('totalCount'), null, { timeout: 15000 });
const answer = await page.textContent('.result-window');

// A subscription, and something that happens meanwhile.
await page.evaluate(() => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue('subscription { events { type report { number } } }'));
await page.click('.graphiql-execute-button');
await page.waitForTimeout(500);
const created = await page.evaluate(async (token) => {
  const query = 'mutation { reportCreate(input: {applicationNumber: "REL-APP-2026-955", preparedOn: "2026-05-05"}) { report { number } userErrors { message } } }';
  const headers = { 'content-type': 'application/json', authorization: 'Bearer ' + token };
  const answer = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await answer.json()).data.reportCreate.report.number;
}, process.env.TOKEN);
await page.waitForFunction((number) => document.querySelector('.result-window')?.textContent.includes(number), created, { timeout: 15000 });
const event = await page.textContent('.result-window');
if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
await browser.close();
assert.match(answer, /张伟/);
assert.match(answer, /"totalCount": ?40/);
assert.match(event, /REPORT_CREATED/);
assert.deepEqual(elsewhere, [], 'the page asked other machines');
assert.deepEqual(faults, []);
console.log('GraphiQL: a query typed, run, answered; a subscription followed; 2 passed, 0 failed');
