// Templates, functions and secrets, by plain forms without JavaScript: what uses them, tried with a stored event, a test mail that arrives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startConsole, webhook } from './console.mjs';

const PLAIN = { javaScriptEnabled: false };
const TENANT = { tenant_id: 'default' };

let tested, ids;
before(async () => {
  tested = await startConsole();
  const { service, sink } = tested;
  const template = await service.call('POST', '/templates', { name: 'Thanks', subject: 'Order {{ data.number }}', text: 'Dear {{ data.name }}', ...TENANT });
  const source = 'export function sum(event, args, kwargs) { return { sum: args[0] + kwargs.more, number: event.data.number }; }';
  const fn = await service.call('POST', '/functions', { name: 'sums', source, ...TENANT });
  await service.call('POST', '/secrets', { name: 'CRM_TOKEN', value: 'hush', ...TENANT });
  const mail = { to: 'ops@example.com', from: 'shop@example.com', template: 'Thanks' };
  const action = (name, handler_type, configuration) => service.call('POST', '/event-actions', { name, handler_type, configuration, event_types: ['never'], ...TENANT });
  await action('Mail the buyer', 'email', mail);
  await action('Add it up', 'function', { module: 'sums', function: 'sum' });
  const url = `${sink.url}/crm`;
  await service.call('POST', '/event-actions', webhook(url, { name: 'Tell the CRM', configuration: { url, method: 'POST', headers: { authorization: 'Bearer {{ secret.CRM_TOKEN }}' } }, ...TENANT, event_types: ['never'] }));
  const send = (number, name) => service.call('POST', '/events', { event_type: 'order.paid', data: { number, name }, metadata: TENANT });
  const older = await send(7, 'Ada');
  await send(8, 'Grace');
  ids = { template: template.id, fn: fn.id, older: older.event_id };
});
after(() => tested?.stop());

/** Presses a button and waits for the page that its answer leads to. */
async function press(page, name) {
  await Promise.all([page.waitForEvent('framenavigated'), page.getByRole('button', { name, exact: true }).first().click()]);
  await page.waitForLoadState('load');
}

const panel = (page, name) => page.getByRole('region', { name });
const text = async (page, name) => (await panel(page, name).innerText()).replaceAll(/\s+/g, ' ');

test('a template: what sends it, previews with stored and made-up events, a test mail', () =>
  tested.inPage('library-template', async (page) => {
    await page.goto(`${tested.service.url}/templates/${ids.template}`);
    assert.match(await text(page, 'Used by'), /Mail the buyer/);
    assert.match(await text(page, 'Preview'), /Order 8.*Dear Grace/, 'the latest event, unasked');
    await page.selectOption('#f-event_id', ids.older);
    await page.fill('#f-subject', 'Number {{ data.number }}');
    await press(page, 'Preview');
    assert.match(await text(page, 'Preview'), /Number 7.*Dear Ada/, 'the chosen event and what was typed');
    assert.equal(await page.inputValue('#f-event_id'), ids.older);
    await page.selectOption('#f-event_id', '');
    await press(page, 'Preview');
    await page.fill('#f-event_data', '{"number": 9, "name": "Edsger"}');
    await press(page, 'Preview');
    assert.match(await text(page, 'Preview'), /Number 9.*Dear Edsger/, 'a made-up event');

    await page.selectOption('#f-event_id', ids.older);
    await page.fill('#f-to', 'grace@example.com');
    await page.fill('#f-from', 'shop@example.com');
    await press(page, 'Send a test');
    assert.match(await text(page, 'Send a test'), /mail to grace@example\.com is kept in the mailbox/);
    await Promise.all([page.waitForEvent('framenavigated'), panel(page, 'Send a test').getByRole('link', { name: 'mailbox' }).click()]);
    assert.equal(await page.locator('h1').innerText(), 'Order 7', 'the saved version was sent, for the chosen event');
    assert.ok(await page.getByText('Dear Ada').isVisible());
  }, PLAIN));

test('a test mail without an address is told beside its field', () =>
  tested.inPage('library-refused', async (page) => {
    await page.goto(`${tested.service.url}/templates/${ids.template}`);
    await page.fill('#f-to', 'nobody');
    await press(page, 'Send a test');
    assert.equal(await page.getAttribute('#f-to', 'aria-invalid'), 'true');
    assert.equal(await page.inputValue('#f-to'), 'nobody', 'what was typed is kept');
  }, { ...PLAIN, allowed: [/^422 /, /status of 422/] }));

test('a function: what calls it, a run with args, kwargs and a timeout', () =>
  tested.inPage('library-function', async (page) => {
    await page.goto(`${tested.service.url}/functions/${ids.fn}`);
    assert.match(await text(page, 'Used by'), /Add it up/);
    await page.selectOption('#f-event_id', ids.older);
    await page.fill('#f-args', '[40]');
    await page.fill('#f-kwargs', '{"more": 2}');
    await page.fill('#f-timeout_seconds', '3');
    await press(page, 'Run');
    assert.match(await text(page, 'Run'), /"sum": 42.*/);
    assert.match(await text(page, 'Run'), /"number": 7/);
    await page.fill('#f-source', 'export function spin() { for (;;) {} }');
    await page.fill('#f-timeout_seconds', '1');
    await press(page, 'Run');
    assert.match(await text(page, 'Run'), /1 s|time/i, 'it is stopped when its time is over');
  }, PLAIN));

test('the list of secrets names what uses them', () =>
  tested.inPage('library-secrets', async (page) => {
    await page.goto(`${tested.service.url}/secrets`);
    const row = page.getByRole('row', { name: /CRM_TOKEN/ });
    await Promise.all([page.waitForEvent('framenavigated'), row.getByRole('link', { name: 'Tell the CRM' }).click()]);
    assert.equal(await page.locator('h1').innerText(), 'Tell the CRM');
  }, PLAIN));

test('the small strip of an event leads to all eight gates', () =>
  tested.inPage('library-strip', async (page) => {
    await tested.open(page, `/events/${ids.older}`);
    await page.locator('details.fold > summary').click();
    const strip = page.locator('a.strip').first();
    const box = await strip.boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.waitForURL(/#why$/);
  }));
