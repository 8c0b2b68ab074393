// The first run that chooses Demo: a console full of a day that says it is made up, and one click that takes it away.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lookAt, onPage, openPage, settled, startBrowser, startService, until } from './util.mjs';

const ADMIN = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'correct horse battery' };

let service, browser, storageState;

before(async () => {
  [service, browser] = await Promise.all([startService(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Runs a step in a page of its own; the browser must not complain about anything. */
async function inPage(name, step, options = {}) {
  const page = await openPage(browser, { storageState, ...options });
  try {
    await onPage(page, service, name, async () => {
      await step(page);
      assert.deepEqual(page.complaints, [], 'the browser complains about nothing');
    });
  } finally {
    await page.context().close();
  }
}

const notice = (page) => page.getByRole('region', { name: 'About this data' });
const tile = async (page, label) => (await page.locator('.tile', { has: page.getByText(label, { exact: true }) }).locator('.v28').innerText()).trim();

test('the set-up page offers Demo beside Empty, and Demo leads to a full console', () =>
  inPage('demo-setup', async (page) => {
    await page.goto(await service.setupUrl());
    assert.ok(await page.getByRole('radio', { name: /^Empty/ }).isChecked(), 'nobody gets demo data without asking');
    for (const [name, value] of Object.entries(ADMIN)) await page.fill(`input[name="${name}"]`, value);
    await page.getByRole('radio', { name: /^Demo/ }).check();
    await page.getByRole('button', { name: /Make the administrator/ }).click();
    await page.waitForURL((url) => url.pathname === '/', { timeout: 60_000 });
    await settled(page);
    storageState = await page.context().storageState();
    assert.ok(await notice(page).isVisible(), 'it says that the data is a demo');
    await until('the tiles count the day', async () => Number((await tile(page, 'Executions')).replace(/\D/g, '')) > 400, 20_000);
  }));

test('lists, history and mailbox are full, without JavaScript too', () =>
  inPage('demo-lists', async (page) => {
    for (const [path, least] of [['/actions', 6], ['/executions', 20], ['/events', 20], ['/mailbox', 10], ['/dead-letters', 1]]) {
      await page.goto(service.url + path);
      const rows = await page.locator('main tbody tr').count();
      assert.ok(rows >= least, `${path}: ${rows} rows`);
      assert.ok(await notice(page).isVisible(), path);
    }
  }, { javaScriptEnabled: false }));

test('the demo looks right in every size and scheme', async () => {
  await lookAt(browser, service.url, 'demo-overview', { storageState });
  await lookAt(browser, `${service.url}/actions`, 'demo-actions', { storageState });
  await lookAt(browser, `${service.url}/settings`, 'demo-settings', { storageState });
});

test('one click takes all of it away', () =>
  inPage('demo-remove', async (page) => {
    await page.goto(service.url);
    await notice(page).getByRole('button', { name: 'Remove demo data' }).click();
    await page.waitForURL((url) => url.pathname === '/settings');
    await page.getByText('The demo is removed').waitFor();
    assert.equal(await notice(page).count(), 0);
    const { items } = await service.call('GET', '/tenants');
    assert.deepEqual(items.map((tenant) => tenant.id), ['default']);
    await page.goto(`${service.url}/actions`);
    assert.equal(await page.getByText('Mirror users to the old CRM').count(), 0);
    await page.goto(`${service.url}/settings`);
    assert.ok(await page.getByRole('button', { name: 'Load demo data' }).isVisible(), 'and it may come again');
  }));
