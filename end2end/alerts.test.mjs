// A receiver breaks: the alert is on the overview and in its list, somebody takes it on, the receiver mends, the alert ends. And the rules behind it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pathOf, startConsole, webhook } from './console.mjs';
import { settled, startSink, until } from './util.mjs';

const PLAIN = { javaScriptEnabled: false };
let tested, sink, action, broken = true;

const send = async (count) => {
  for (let n = 0; n < count; n++) await tested.service.call('POST', '/events', { event_type: 'stock.low', data: { n } });
};
const alerts = async (query = '') => (await tested.service.call('GET', `/alerts?${query}`)).items;
const fire = (page) => page.locator('.fire', { hasText: 'High error rate' });
const said = (page, text) => page.getByRole('status').filter({ hasText: text });

/** Presses a button and waits for the page that its answer leads to. */
async function press(page, button) {
  await Promise.all([page.waitForEvent('framenavigated'), button.click()]);
  await page.waitForLoadState('load');
}

before(async () => {
  tested = await startConsole();
  const { service } = tested;
  sink = await startSink(() => ({ status: broken ? 500 : 200 }));
  // Attempts count one by one: no retries, and a breaker that stays closed.
  action = await service.call('POST', '/event-actions', webhook(`${sink.url}/stock`, {
    name: 'Restock when low', tenant_id: 'default', event_types: ['stock.low'], execution_mode: 'sync', max_retries: 0, circuit_breaker: { failures: 1000, cooldown_seconds: 60 },
  }));
});
after(async () => {
  await tested?.stop();
  await sink?.stop();
});

test('nothing fires, and the pages say so', () =>
  tested.inPage('alerts-none', async (page) => {
    await tested.open(page, '/alerts');
    assert.match(await page.innerText('main'), /Nothing fires/);
    assert.equal(await page.locator('.nav a[href="/alerts"] .count').count(), 0);
    await page.getByText(/^Live\. Nothing changed since/).waitFor();
  }));

test('a receiver that breaks fires: the overview and the list say what, how much and since when', () =>
  tested.inPage('alerts-fires', async (page) => {
    await tested.open(page, '/');
    await send(12);
    await until('the alert', async () => (await alerts('state=firing')).length === 1);
    // The page tells of it without moving anything.
    await page.getByRole('link', { name: /changed\. Show them/ }).click();
    await settled(page);
    const block = page.locator('.panel-bad');
    assert.match(await block.innerText(), /1 alert is firing.*High error rate.*100 % of the last 12 attempts of "Restock when low" failed/s);
    assert.match(await page.locator('.nav a[href="/alerts"] .count').innerText(), /^1\s+firing$/);
    await block.getByRole('link', { name: 'All alerts' }).click();
    await settled(page);
    assert.equal(pathOf(page), '/alerts');
    const row = fire(page);
    assert.match(await row.innerText(), /Critical.*Error rate.*100 %, limit 10(\.0)? %.*since/s);
    assert.equal(await row.getByRole('link', { name: 'High error rate' }).getAttribute('href'), `/actions/${action.id}`);
    assert.match(await row.getByRole('link', { name: 'Executions' }).getAttribute('href'), new RegExp(`/executions\\?action_id=${action.id}`));
  }));

test('somebody silences it, then takes it on, by plain forms', () =>
  tested.inPage('alerts-acknowledge', async (page) => {
    await page.goto(`${tested.service.url}/alerts`);
    await fire(page).locator('select[name="minutes"]').selectOption({ label: '4 hours' });
    await press(page, fire(page).getByRole('button', { name: 'Silence: High error rate' }));
    assert.match(await fire(page).innerText(), /Silenced.*Silenced by ada@example\.com until/s);
    const [silent] = await alerts('state=silenced');
    const hours = (new Date(silent.silenced_until) - Date.now()) / 3_600_000;
    assert.ok(hours > 3.9 && hours <= 4, `${hours} hours`);
    await press(page, fire(page).getByRole('button', { name: 'Acknowledge: High error rate' }));
    await said(page, 'You look after the alert now.').waitFor();
    assert.match(await fire(page).innerText(), /Acknowledged by ada@example\.com/);
    assert.equal((await alerts('state=acknowledged')).length, 1);
    assert.equal(await page.locator('.nav a[href="/alerts"] .count').count(), 0, 'nobody needs to be told any more');
  }, PLAIN));

test('the receiver mends, and the alert moves to the history', () =>
  tested.inPage('alerts-resolved', async (page) => {
    await tested.open(page, '/alerts');
    broken = false;
    // Enough good ones that fewer than 8 % failed.
    await send(160);
    await until('its end', async () => (await alerts('state=resolved')).length === 1);
    await page.getByRole('link', { name: /changed\. Show them/ }).click();
    await settled(page);
    assert.match(await page.innerText('main'), /Nothing fires/);
    await page.getByRole('navigation', { name: 'Alerts' }).getByRole('link', { name: 'History' }).click();
    await settled(page);
    const row = page.locator('tbody tr', { hasText: 'High error rate' });
    assert.match(await row.innerText(), /resolved by itself/);
    await page.locator('select[name="kind"]').selectOption('loop');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.waitForURL(/tab=history.*kind=loop/);
    await page.getByText('No alert that is over has all of these properties.').waitFor();
  }));

test('rules are made, refused beside the field, changed, turned off and deleted without a script', () =>
  tested.inPage('alerts-rules', async (page) => {
    const { service } = tested;
    const rule = async (name) => (await service.call('GET', '/alert-rules')).items.find((r) => r.name === name);
    const row = (name) => page.locator('tbody tr', { hasText: name });
    await page.goto(`${service.url}/alerts/rules`);
    assert.match(await row('High error rate').innerText(), /more than 10 % of at least 10 attempts within 5 min fail.*Critical.*every action.*On/s);
    await press(page, page.getByRole('link', { name: 'New rule' }));
    await page.fill('#f-name', 'Stock is slow');
    await page.selectOption('#f-kind', 'slow_executions');
    await page.fill('#f-threshold', 'very');
    await page.selectOption('#f-scope', 'action');
    await page.selectOption('#f-scope-action', { label: 'Restock when low' });
    await press(page, page.getByRole('button', { name: 'Make rule' }));
    assert.match(await page.innerText('#f-threshold-m'), /number/);
    assert.deepEqual([await page.inputValue('#f-name'), await page.inputValue('#f-threshold'), await page.inputValue('#f-kind')], ['Stock is slow', 'very', 'slow_executions'], 'what was typed is kept');
    await page.fill('#f-threshold', '750');
    await press(page, page.getByRole('button', { name: 'Make rule' }));
    await said(page, 'The rule is made.').waitFor();
    assert.match(await row('Stock is slow').innerText(), /take longer than 750 ms.*Restock when low/s);
    const made = await rule('Stock is slow');
    assert.deepEqual([made.threshold, made.scope, made.severity, made.tenant_id], [750, { action: action.id }, 'warning', 'default']);

    await press(page, row('Stock is slow').getByRole('link', { name: 'Edit Stock is slow' }));
    await page.fill('#f-for_seconds', '30');
    await page.selectOption('#f-severity', 'critical');
    await press(page, page.getByRole('button', { name: 'Save', exact: true }));
    assert.match(await row('Stock is slow').innerText(), /for 30 s.*Critical/s);
    await press(page, row('Stock is slow').getByRole('button', { name: 'Turn off Stock is slow' }));
    assert.equal((await rule('Stock is slow')).is_enabled, false);
    await press(page, row('Stock is slow').getByRole('button', { name: 'Turn on Stock is slow' }));
    assert.equal((await rule('Stock is slow')).is_enabled, true);
    await row('Stock is slow').getByRole('button', { name: 'Delete Stock is slow' }).click();
    await press(page, page.getByRole('dialog', { name: 'Delete Stock is slow?' }).getByRole('button', { name: 'Delete', exact: true }));
    assert.equal(await rule('Stock is slow'), undefined);
  }, { ...PLAIN, allowed: [/^422 /, /status of 422/] }));
