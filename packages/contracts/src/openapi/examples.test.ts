import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRawBody } from '../contract.ts';
import { publicContracts } from '../registry.ts';
import { gatewayContracts } from '../service.ts';
import { examples } from './examples.ts';

const documented = [...publicContracts, ...gatewayContracts];

describe('examples', () => {
  for (const { operationId, schema, response } of documented) {
    it(`shows a valid request and response of ${operationId}`, () => {
      const example = examples[operationId];
      assert.ok(example);
      assert.equal('request' in example, schema.body !== undefined, 'request');
      schema.body?.parse(example.request);
      if (response === undefined) return assert.equal(example.response, undefined);
      if (!isRawBody(response)) {
        // Parsing drops fields that the schema does not name.
        return assert.deepEqual(response.parse(example.response), example.response);
      }
      const { events } = response;
      if (events === undefined) return;
      const [, name = '', data = ''] =
        /event: (.*)\ndata: (.*)\n\n/.exec(String(example.response)) ?? [];
      assert.ok(events.names.includes(name), name);
      assert.deepEqual(events.data.parse(JSON.parse(data)), JSON.parse(data));
    });
  }

  it('has none of a route that does not exist', () => {
    const known = documented.map(({ operationId }) => operationId);
    assert.deepEqual(
      Object.keys(examples).filter((id) => !known.includes(id)),
      [],
    );
  });
});
