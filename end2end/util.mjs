// What browser tests share: the service as a process of its own, a sink for webhooks, Chromium, accessibility, pictures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

/** The platform key of every service started here. */
export const API_KEY = 'browser-tests-0123456789abcdef-0123456789abcdef';
/** Where pictures and pages of failures go. */
export const RESULTS = path.resolve('test-results');
/** The sizes and colour schemes in which every page is looked at. */
export const VARIANTS = [1440, 375].flatMap((width) => ['light', 'dark'].map((colorScheme) => ({ width, height: width > 700 ? 900 : 812, colorScheme })));

const BINARY = process.env.EVENT_ACTIONS_BINARY ?? 'target/debug/event-actions';
const START_MS = 60_000;
const STOP_MS = 45_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again until `ask` returns something; fails with the last answer or error. */
export async function until(what, ask, timeoutMs = 15_000) {
  const end = Date.now() + timeoutMs;
  for (let last; ; await sleep(50)) {
    try {
      last = await ask();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last });
  }
}

/** Starts the service on a free port with a data folder of its own, and waits until it is ready. */
export async function startService({ env = {}, args = [] } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'event-actions-e2e-'));
  const child = spawn(path.resolve(BINARY), ['serve', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      EVENT_ACTIONS_BIND: '127.0.0.1:0',
      EVENT_ACTIONS_DATA_DIR: path.join(folder, 'data'),
      EVENT_ACTIONS_BOOTSTRAP_API_KEY: API_KEY,
      EVENT_ACTIONS_ALLOW_TARGETS: '127.0.0.0/8',
      EVENT_ACTIONS_DRAIN_SECONDS: '10',
      ...env,
    },
  });
  const service = { child, folder, output: '', exited: null };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (service.output += text));
  const exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve((service.exited = { code, signal }))));
  child.on('error', (error) => (service.exited = { error }));

  const printed = (pattern, what) =>
    until(what, () => {
      const found = service.output.match(pattern);
      if (!found && service.exited) throw new Error(`the service ended: ${JSON.stringify(service.exited)}\n${service.output}`);
      return found?.[1];
    }, START_MS);

  /** Ends it as an operator would, and insists on a clean exit. */
  service.stop = async () => {
    if (!service.exited) {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exit;
      clearTimeout(late);
      assert.deepEqual(service.exited, { code: 0, signal: null }, `SIGTERM ends in exit 0\n${service.output.slice(-4000)}`);
    }
    fs.rmSync(folder, { recursive: true, force: true });
  };

  try {
    const port = await printed(/listens on https?:\/\/[^\s:]+:(\d+)/, 'the line with the address');
    service.url = `http://127.0.0.1:${port}`;
    await until('readiness', async () => (await fetch(`${service.url}/health/ready`)).ok, START_MS);
  } catch (error) {
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }

  /** The one-time link of the first start, at the address that is really served. */
  service.setupUrl = async () => service.url + (await printed(/(\/setup\?token=[^\s"]+)/, 'the set-up line'));

  /** A REST call with the platform key; `body` as JSON. Insists on 2xx and returns the answer. */
  service.call = async (method, where, body) => {
    const headers = { authorization: `Bearer ${API_KEY}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const response = await fetch(`${service.url}/api/v1${where}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${where}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  return service;
}

/** A receiver of webhooks that keeps what it got; `respond(request)` may return another status or delay. */
export async function startSink(respond = () => ({})) {
  const sink = { hits: [] };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const hit = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      sink.hits.push(hit);
      const { status = 200, delayMs = 0, headers = {}, body = '{"ok":true}' } = respond(hit, sink.hits.length) ?? {};
      if (delayMs) await sleep(delayMs);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  sink.url = `http://127.0.0.1:${server.address().port}`;
  sink.waitFor = (count, timeoutMs) => until(`${count} webhooks`, () => sink.hits.length >= count && sink.hits, timeoutMs);
  sink.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return sink;
}

/** Chromium without a sandbox (tests may run as root) and without anything that calls home. */
export function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args });
}

/** A page that remembers everything a browser complains about, in `page.complaints`. */
export async function openPage(browser, { width = 1440, height = 900, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || /hydrat|panick/i.test(message.text())) page.complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => page.complaints.push(`page error: ${error}`));
  page.on('response', (response) => {
    if (response.status() >= 400) page.complaints.push(`${response.status()} ${response.url()}`);
  });
  return page;
}

/** Waits until the page stands and its islands, if it has any, are loaded; they start when the browser is idle. */
export async function settled(page) {
  await page.waitForLoadState('load');
  await page.waitForFunction(() => !document.querySelector('leptos-island') || window.__hydrateIsland, null, { timeout: 20_000 });
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(() => setTimeout(resolve, 100))));
}

/** What axe finds, one line each: empty is right. */
export async function accessibilityFindings(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map((v) => `${v.impact} ${v.id}: ${v.help} (${v.nodes.length}x, ${v.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')})`);
}

/** Looks at a page in every size and scheme: accessible, nothing sideways, no complaints; keeps a picture of each. */
export async function lookAt(browser, url, name, { storageState, ready = settled } = {}) {
  const findings = [];
  for (const variant of VARIANTS) {
    const page = await openPage(browser, { ...variant, storageState });
    const tag = `${name} ${variant.width} ${variant.colorScheme}`;
    try {
      await page.goto(url, { waitUntil: 'load' });
      await ready(page);
      // What axe itself does to the page (style sheets of its own) is not the page's fault.
      findings.push(...page.complaints.map((line) => `${tag}: ${line}`));
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) findings.push(`${tag}: scrolls sideways by ${over} px`);
      findings.push(...(await accessibilityFindings(page)).map((line) => `${tag}: ${line}`));
    } finally {
      await picture(page, `${name}-${variant.width}-${variant.colorScheme}`);
      await page.context().close();
    }
  }
  assert.deepEqual(findings, [], `${name} in every size and scheme`);
}

/** Keeps a picture of the page. */
export async function picture(page, name) {
  fs.mkdirSync(RESULTS, { recursive: true });
  await page.screenshot({ path: path.join(RESULTS, `${name.replace(/[^\w.-]+/g, '-')}.png`), fullPage: true }).catch(() => {});
}

/** Runs a step on a page; when it fails, keeps a picture, the HTML and what the service printed. */
export async function onPage(page, service, name, step) {
  try {
    return await step();
  } catch (error) {
    await picture(page, `failed-${name}`);
    const report = [page.url(), ...page.complaints, '', await page.content().catch(() => ''), '', service?.output ?? ''].join('\n');
    fs.writeFileSync(path.join(RESULTS, `failed-${name.replace(/[^\w.-]+/g, '-')}.txt`), report);
    throw error;
  }
}
