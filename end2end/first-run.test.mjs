// A stranger's first minutes in the browser: set up by the printed link, sign in, watch events arrive.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { API_KEY, lookAt, onPage, openPage, settled, startBrowser, startService, startSink, until } from './util.mjs';

const ADMIN = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'correct horse battery' };
const EVENTS = 5;

let service, sink, browser, storageState;

before(async () => {
  [service, sink, browser] = await Promise.all([startService(), startSink(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await sink?.stop();
  await service?.stop();
});

/** Runs a step in a page of its own that is closed afterwards; the browser must not complain about anything. */
async function inPage(name, options, step, { allowed = [] } = {}) {
  const page = await openPage(browser, options);
  try {
    await onPage(page, service, name, async () => {
      await step(page);
      assert.deepEqual(page.complaints.filter((line) => !allowed.some((pattern) => pattern.test(line))), [], 'the browser complains about nothing');
    });
  } finally {
    await page.context().close();
  }
}

async function fillIn(page, values) {
  for (const [name, value] of Object.entries(values)) await page.fill(`input[name="${name}"]`, value);
}

/** Sends a form and waits for the page that its answer leads to. */
async function submit(page, action) {
  await Promise.all([page.waitForEvent('framenavigated'), page.click(`form[action="${action}"] button[type="submit"]`)]);
  await page.waitForLoadState('load');
}

/** The text of a tile of the overview, such as `5` or `100 %`. */
const tile = async (page, label) => (await page.locator('.tile', { has: page.getByText(label, { exact: true }) }).locator('.v28').innerText()).replace(/\s+/g, ' ').trim();

test('the set-up page looks right in every size and scheme', async () => {
  await lookAt(browser, await service.setupUrl(), 'setup');
});

test('before the set-up every page leads there, and it takes the printed token alone', () =>
  inPage('setup-closed', {}, async (page) => {
    await page.goto(service.url);
    assert.equal(new URL(page.url()).pathname, '/setup');
    const forged = await fetch(`${service.url}/setup`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: service.url },
      body: new URLSearchParams({ ...ADMIN, token: 'not-the-token' }),
    });
    assert.match(forged.headers.get('location') ?? '', /error=/);
  }));

test('the printed link makes the administrator, once', () =>
  inPage('setup', {}, async (page) => {
    const link = await service.setupUrl();
    await page.goto(link);
    await fillIn(page, ADMIN);
    await submit(page, '/setup');
    await settled(page);
    assert.equal(new URL(page.url()).pathname, '/', 'set-up ends on the overview, signed in');
    storageState = await page.context().storageState();
    await page.context().clearCookies();
    await page.goto(link);
    assert.equal(new URL(page.url()).pathname, '/login', 'the link is used up');
  }));

test('signing in: a wrong password is told, the right one leads back to where one wanted to go', () =>
  inPage('sign-in', {}, async (page) => {
    await page.goto(`${service.url}/?range=1h`);
    assert.equal(new URL(page.url()).pathname, '/login');
    await fillIn(page, { email: ADMIN.email, password: 'wrong horse battery' });
    await submit(page, '/login');
    assert.ok(await page.locator('[role="alert"]').first().isVisible(), 'the fault is told');
    assert.equal(await page.inputValue('input[name="email"]'), ADMIN.email, 'what was typed is kept');
    await fillIn(page, { password: ADMIN.password });
    await submit(page, '/login');
    assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/?range=1h');
    await page.locator('form[action="/logout"]').first().evaluate((form) => form.requestSubmit());
    await page.waitForURL((url) => url.pathname === '/login');
    await page.goto(service.url);
    assert.equal(new URL(page.url()).pathname, '/login', 'signed out');
  }));

test('signing in works without JavaScript', () =>
  inPage('sign-in-plain', { javaScriptEnabled: false }, async (page) => {
    await page.goto(`${service.url}/login`);
    await fillIn(page, { email: ADMIN.email, password: ADMIN.password });
    await submit(page, '/login');
    assert.equal(await tile(page, 'Executions'), '0');
  }));

test('the tiles move by themselves when events arrive', () =>
  inPage('live', { storageState }, async (page) => {
    await page.goto(service.url);
    await settled(page);
    assert.equal(await tile(page, 'Executions'), '0');
    const action = await service.call('POST', '/event-actions', {
      name: 'Welcome new users',
      handler_type: 'webhook',
      configuration: { url: `${sink.url}/welcome`, method: 'POST' },
      event_types: ['user.created'],
      conditions: [{ field: 'data.user.email_verified', operator: 'equals', value: true }],
    });
    const send = (verified) => service.call('POST', '/events', { event_type: 'user.created', data: { user: { email_verified: verified } } });
    for (let n = 0; n < EVENTS; n++) await send(true);
    assert.equal((await send(false)).matched, 0, 'an unverified user starts nothing');
    await sink.waitFor(EVENTS);
    await until('the tile counts them', async () => (await tile(page, 'Executions')) === String(EVENTS), 30_000);
    await until('the success rate follows', async () => /^100(\.0)? %$/.test(await tile(page, 'Success rate')));
    assert.equal(sink.hits.length, EVENTS, 'one webhook for each matching event');
    assert.equal(new Set(sink.hits.map((hit) => hit.headers['webhook-id'])).size, EVENTS);
    const { items } = await service.call('GET', `/event-actions/${action.id}/executions`);
    assert.deepEqual([...new Set(items.map((execution) => execution.status))], ['succeeded']);
  }));

test('sign-in and overview look right in every size and scheme', async () => {
  await lookAt(browser, `${service.url}/login`, 'login');
  await lookAt(browser, service.url, 'overview', { storageState });
});

test('nothing secret is in the page', () =>
  inPage('canary', { storageState }, async (page) => {
    await page.goto(service.url);
    const html = await page.content();
    for (const secret of [API_KEY, ADMIN.password]) assert.ok(!html.includes(secret));
  }));
