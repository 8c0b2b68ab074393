// A workflow is built by form: steps added, filled in by each handler's own fields, ordered, copied, and tried with the sample one by one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pathOf, startConsole, verdict, webhook } from './console.mjs';
import { accessibilityFindings, until } from './util.mjs';

let tested;
before(async () => {
  tested = await startConsole();
  await tested.service.call('POST', '/events', { event_type: 'user.created', aggregate_id: 'U-1', data: { email: 'ida@example.com', plan: 'gold' } });
});
after(() => tested?.stop());

const box = (page, n) => page.locator(`#f-configuration-steps-${n}`);
const at = (n, name) => `#f-configuration-steps-${n}-${name}`;
const names = (page) => page.locator('#f-configuration-steps fieldset input[id$="-name"]').evaluateAll((all) => all.map((i) => i.value));
const announced = (page, text) => page.locator('[role="status"]', { hasText: text }).first().waitFor({ state: 'attached' });

test('steps by form, their order, and what the sample makes of each', () =>
  tested.inPage('workflow-form', async (page) => {
    const { service, sink, open } = tested;
    await open(page, '/actions/new');
    await page.fill('#f-event_types', 'user.created');
    await page.press('#f-event_types', 'Enter');
    await page.fill('#f-name', 'Welcome');
    await page.getByRole('group', { name: 'Handler' }).getByRole('button', { name: 'Workflow' }).click();
    const add = page.locator('#f-configuration-steps').getByRole('button', { name: 'Step', exact: true });

    await add.click();
    await page.locator(at(0, 'name')).waitFor();
    await until('the focus is in the new step', () => page.evaluate(() => document.activeElement?.id === 'f-configuration-steps-0-name'));
    await page.fill(at(0, 'name'), 'card');
    await page.fill(at(0, 'params-mapping'), '{"to": "{{ email }}", "plan": "{{ plan }}"}');

    await add.click();
    await page.fill(at(1, 'name'), 'tell');
    await page.selectOption(at(1, 'action'), 'webhook');
    await page.fill(at(1, 'params-url'), `${sink.url}/tell/{{ steps.card.plan }}`);
    await page.selectOption(at(1, 'on_error'), 'continue');
    await page.fill(at(1, 'max_retries'), '2');
    await page.fill(at(1, 'when'), '{{ steps.card.plan == "gold" }}');

    await add.click();
    await page.fill(at(2, 'name'), 'note');
    await page.selectOption(at(2, 'action'), 'send');
    await box(page, 2).getByRole('button', { name: 'Event', exact: true }).click();
    await page.fill(at(2, 'params-event_type'), 'user.welcomed');
    await page.fill(at(2, 'params-data'), '{"to": "{{ steps.card.to }}"}');
    await verdict(page, /Would run\.\s+Every gate passes/);

    // What goes into each step and what comes out, with the sample.
    await box(page, 0).getByText('With the sample').click();
    assert.match(await box(page, 0).locator('details').last().innerText(), /Input.*"email".*Output.*"to".*ida@example\.com/s);
    await box(page, 1).getByText('With the sample').click();
    assert.match(await box(page, 1).locator('details').last().innerText(), new RegExp(`Would send\\s+POST ${sink.url}/tell/gold`));
    const panel = page.locator('.tester');
    assert.match(await panel.innerText(), /1\. card.*2\. tell.*3\. note/s, 'the panel shows every step in order');

    // Copy, delete, undo, and order by buttons and keys.
    await box(page, 0).getByRole('button', { name: 'Duplicate step 1' }).click();
    await until('copied under a free name', async () => (await names(page)).join() === 'card,card_2,tell,note');
    await box(page, 1).getByRole('button', { name: 'Delete step 2' }).click();
    await until('deleted', async () => (await names(page)).join() === 'card,tell,note');
    await box(page, 2).getByRole('button', { name: 'Move step 3 up' }).click();
    await announced(page, 'Step 3 is now step 2 of 3.');
    await until('moved', async () => (await names(page)).join() === 'card,note,tell');
    await page.locator(at(1, 'name')).focus();
    await page.keyboard.press('Alt+ArrowDown');
    await until('moved by keys', async () => (await names(page)).join() === 'card,tell,note');
    await until('the focus goes along', () => page.evaluate(() => document.activeElement?.value === 'note'));
    await page.keyboard.press('Control+z');
    await until('undone', async () => (await names(page)).join() === 'card,note,tell');
    await page.keyboard.press('Control+Shift+Z');
    await until('redone', async () => (await names(page)).join() === 'card,tell,note');

    // A step that cannot be rendered says so in its own place.
    await page.fill(at(0, 'params-mapping'), '{"to": "{{ nobody }}", "plan": "{{ plan }}"}');
    await box(page, 0).getByText('With the sample: cannot be rendered').waitFor();
    await page.fill(at(0, 'params-mapping'), '{"to": "{{ email }}", "plan": "{{ plan }}"}');
    await box(page, 0).getByText('With the sample', { exact: true }).waitFor();

    // A fault is told at the field of the step.
    await page.fill(at(1, 'params-url'), '');
    await page.keyboard.press('Control+s');
    await page.locator('.summary-bad').getByRole('link').first().click();
    await until('the summary leads to the field', () => page.evaluate(() => document.activeElement?.id === 'f-configuration-steps-1-params-url'));
    await page.fill(at(1, 'params-url'), `${sink.url}/tell/{{ steps.card.plan }}`);
    assert.deepEqual(await accessibilityFindings(page), []);

    // JSON is the same list; wrong JSON leaves the form as it is.
    const tabs = page.getByRole('group', { name: 'Steps as' });
    await tabs.getByRole('button', { name: 'JSON' }).click();
    const json = page.locator('#steps-json');
    const steps = JSON.parse(await json.inputValue());
    assert.deepEqual(steps[1], { name: 'tell', action: 'webhook', params: { url: `${sink.url}/tell/{{ steps.card.plan }}` }, on_error: 'continue', max_retries: 2, when: '{{ steps.card.plan == "gold" }}' });
    await json.fill('[{"name": ]');
    await page.locator('#steps-json-m', { hasText: 'Line 1' }).waitFor();
    await json.fill(JSON.stringify([...steps, { name: 'pause', action: 'delay', params: { seconds: 0 } }], null, 2));
    await tabs.getByRole('button', { name: 'Form' }).click();
    await until('the form follows', async () => (await names(page)).join() === 'card,tell,note,pause');
    assert.equal(await page.inputValue(at(3, 'params-seconds')), '0');

    await page.locator('.savebar').getByRole('button', { name: 'Save', exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get('saved') === '1');
    const saved = await service.call('GET', `/event-actions/${pathOf(page).split('/')[2]}`);
    assert.deepEqual(saved.configuration.steps.map((s) => [s.name, s.action]), [['card', 'transform'], ['tell', 'webhook'], ['note', 'send'], ['pause', 'delay']]);
    assert.deepEqual(saved.configuration.steps[0].params, { mapping: { to: '{{ email }}', plan: '{{ plan }}' } });

    await service.call('POST', '/events', { event_type: 'user.created', aggregate_id: 'U-2', data: { email: 'bo@example.com', plan: 'gold' } });
    const [hit] = await sink.waitFor(1);
    assert.equal(hit.url, '/tell/gold');
  }));

test('the exact mail, its HTML in a frame that may do nothing', () =>
  tested.inPage('workflow-mail', async (page) => {
    const { service, open } = tested;
    const made = await service.call('POST', '/event-actions', {
      ...webhook('', { name: 'Mail', tenant_id: 'default', event_types: ['user.created'] }),
      handler_type: 'email',
      configuration: { to: '{{ email }}', from: 'shop@example.com', subject: 'Welcome, {{ plan }}', html: '<p>Hello <b>{{ email }}</b></p>', text: 'Hello {{ email }}' },
    });
    // The latest event is what the panel takes unasked.
    await service.call('POST', '/events', { event_type: 'user.created', aggregate_id: 'U-3', data: { email: 'eve@example.com', plan: 'silver' } });
    await open(page, `/actions/${made.id}/edit`);
    const panel = page.locator('.tester');
    await panel.getByText('Welcome, silver').waitFor();
    const frame = panel.locator('iframe');
    assert.equal(await frame.getAttribute('sandbox'), '', 'the mail may do nothing');
    assert.match(await panel.innerText(), /shop@example\.com/);
    assert.equal(await page.frameLocator('.tester iframe').locator('b').innerText(), 'eve@example.com');
    await panel.getByRole('button', { name: 'Send for real…' }).click();
    await page.getByRole('button', { name: /^Send to .*eve@example\.com/ }).waitFor();
  }));
