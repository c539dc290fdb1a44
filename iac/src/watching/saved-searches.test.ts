import assert from 'node:assert/strict';
import { test } from 'node:test';
import { savedObjects, savedSearches } from './saved-searches.ts';

test('OpenSearch Dashboards gets every saved search, each with the pattern of indexes', () => {
  const [pattern, ...searches] = savedObjects()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(pattern.attributes.title, 'logs-*');
  assert.deepEqual(
    searches.map(({ attributes }) => attributes.title),
    savedSearches.map(({ name }) => name),
  );
  for (const { attributes, references } of searches) {
    const { query, indexRefName } = JSON.parse(attributes.kibanaSavedObjectMeta.searchSourceJSON);
    assert.ok(query.query);
    assert.deepEqual(references, [{ type: 'index-pattern', id: pattern.id, name: indexRefName }]);
  }
});
