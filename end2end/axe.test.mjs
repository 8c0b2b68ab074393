// Every page of the sidebar, and the pages behind them, with data in them: axe finds nothing, nothing scrolls sideways, in both themes, wide and narrow.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, startConsole, webhook } from './console.mjs';
import { VARIANTS, accessibilityFindings, openPage, picture, until } from './util.mjs';

let tested, ids;

before(async () => {
  tested = await startConsole();
  const { service, sink } = tested;
  const make = (name, rest) => service.call('POST', '/event-actions', webhook(`${sink.url}/${name}`, { name, tenant_id: 'default', tags: ['orders'], ...rest }));
  const big = [{ field: 'data.total', operator: 'gt', value: 100 }, { any: [{ field: 'data.country', operator: 'in', value: ['SE', 'NO'] }, { none: [{ field: 'data.test', operator: 'exists' }] }] }];
  const action = await make('Tell the warehouse', { description: 'Every large order, at once.', conditions: big, context_filters: { region: ['eu', 'us'] } });
  await make('Thank the customer', { conditions: [{ field: 'data.total', operator: 'equals', value: 120 }], event_types: ['order.*'] });
  await make('Never on', { is_enabled: false });
  // Nobody listens on port 9: without retries a dead letter at once.
  await make('Goes nowhere', { configuration: { url: 'http://127.0.0.1:9/', method: 'POST' }, max_retries: 0, event_types: ['order.paid'] });
  const send = (data) => service.call('POST', '/events', { event_type: 'order.paid', aggregate_id: 'SO-1', aggregate_type: 'order', correlation_id: 'c-1', data, metadata: { region: 'eu' } });
  const sent = await send({ total: 120, country: 'SE', lines: [{ sku: 'A', qty: 1 }] });
  await send({ total: '80', country: 'DE' });
  const executions = () => service.call('GET', '/executions').then((page) => page.items);
  const ended = await until('every execution ends', async () => {
    const all = await executions();
    return all.length >= 3 && all.every((x) => ['succeeded', 'dead_letter', 'failed'].includes(x.status)) && all;
  }, 30_000);
  // Two alerts on what goes nowhere: one fires, the other is over.
  for (const name of ['Any error', 'Any error at all']) await service.call('PUT', '/alert-rules', { kind: 'error_rate', name, threshold: 1, min_samples: 1, window_seconds: 3600, severity: 'critical' });
  const firing = await until('two alerts', async () => service.call('GET', '/alerts?state=firing').then(({ items }) => items.length === 2 && items));
  await service.call('POST', `/alerts/${firing[0].id}/resolve`);
  const template = await service.call('POST', '/templates', { name: 'Thanks', subject: 'Order {{ data.total }}', html: '<p>{{ data.total }}</p>', text: 'Thank you', tenant_id: 'default' });
  const fn = await service.call('POST', '/functions', { name: 'sums', source: 'export function sum(event) { return event.data.total; }', tenant_id: 'default' });
  await service.call('POST', '/secrets', { name: 'CRM_TOKEN', value: 'hush', tenant_id: 'default' });
  ids = { template: template.id, fn: fn.id, action: action.id, event: sent.event_id, good: ended.find((x) => x.status === 'succeeded').id, bad: ended.find((x) => x.status !== 'succeeded').id };
});
after(() => tested?.stop());

/** The pages that the sidebar leads to. */
async function sidebar() {
  const page = await openPage(tested.browser, { storageState: tested.storageState });
  try {
    await page.goto(tested.service.url);
    const all = await page.locator('nav[aria-label="Main"] a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    // The REST documentation is Swagger UI's own page, not the console's.
    return all.filter((href) => href !== '/docs');
  } finally {
    await page.context().close();
  }
}

/** The pages behind those, where the sidebar has what they belong to. */
const behind = ({ action, event, good, bad, template, fn }) => ({
  '/actions': ['/actions/new', '/actions/new?plain=1', `/actions/${action}`, `/actions/${action}/edit`, `/actions/${action}/edit?plain=1`, '/actions?q=nothing-like-this'],
  '/events': [`/events/${event}`, '/events?send=1'],
  '/alerts': ['/alerts?tab=history', '/alerts?tab=history&kind=loop', '/alerts/rules', '/alerts/rules/new'],
  '/bulk': ['/bulk/new?status=failed'],
  '/templates': ['/templates/new', `/templates/${template}`],
  '/functions': ['/functions/new', `/functions/${fn}`],
  '/executions': [`/executions/${good}`, `/executions/${bad}`, '/executions?status=cancelled'],
});

/** What is wrong with the page in every size and scheme; keeps a picture of each. */
async function findings(page, name) {
  // What axe itself does to the page (style sheets of its own) is not the page's fault.
  const found = [...page.complaints];
  for (const { width, height, colorScheme } of VARIANTS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) found.push(`${width} ${colorScheme}: scrolls sideways by ${over} px`);
    found.push(...(await accessibilityFindings(page)).map((line) => `${width} ${colorScheme}: ${line}`));
    await picture(page, `${name}-${width}-${colorScheme}`);
  }
  return found;
}

test('every page', async (t) => {
  const pages = await sidebar();
  assert.ok(pages.includes('/') && pages.includes('/actions'), `the sidebar has pages: ${pages}`);
  const under = behind(ids);
  for (const where of pages.flatMap((page) => [page, ...(under[page] ?? [])])) {
    const named = where.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ':id');
    await t.test(named, () =>
      tested.inPage('axe', async (page) => {
        await page.goto(tested.service.url + where);
        await awake(page);
        assert.deepEqual(await findings(page, `axe${named.replaceAll(/[^a-z0-9]+/g, '-')}`), []);
        page.complaints.length = 0;
      }));
  }
});

test('the editor with everything open', () =>
  tested.inPage('axe-editor-open', async (page) => {
    await page.goto(`${tested.service.url}/actions/${ids.action}/edit`);
    await awake(page);
    await page.locator('.tester .says', { hasText: /Would/ }).waitFor();
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'JSON' }).click();
    await page.fill('#conditions-json', '[{"field": "a"}]');
    await page.locator('#conditions-json-m .hint-bad').waitFor();
    for (const way of ['Saved', 'JSON', 'Form']) {
      await page.getByRole('group', { name: 'Test with' }).getByRole('button', { name: way }).click();
      assert.deepEqual(await accessibilityFindings(page), [], way);
    }
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'Builder' }).click();
    await page.locator('.cond .fld input').first().click();
    await page.getByRole('listbox', { name: 'Fields' }).waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], 'the list of fields');
    await page.fill('#f-name', '');
    await page.locator('.savebar').getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('.summary-bad').waitFor();
    assert.deepEqual(await accessibilityFindings(page), [], 'the error summary');
  }));
