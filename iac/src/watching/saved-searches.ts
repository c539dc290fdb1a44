/** Searches of logs that operators need most, for CloudWatch Logs Insights and for OpenSearch. */
export type SavedSearch = {
  name: string;
  /** Columns. */
  fields: string[];
  /** In the language of Logs Insights. Replace the placeholder in capitals. */
  filter: string[];
  /** The same for OpenSearch Dashboards, in its query language. */
  query: string;
};

export const savedSearches: SavedSearch[] = [
  {
    name: 'One request',
    fields: ['@timestamp', 'name', 'level', 'msg', 'route', 'status'],
    filter: ['filter requestId = "REQUEST_ID"'],
    query: 'requestId: "REQUEST_ID"',
  },
  {
    name: 'One party',
    fields: ['@timestamp', 'name', 'level', 'msg', 'requestId'],
    // As the subject of an event, in the payload of a task, or in an error.
    filter: ['filter @message like "PARTY_ID"'],
    query: '"PARTY_ID"',
  },
  {
    name: 'Errors by service',
    fields: ['@timestamp', 'name', 'msg', 'requestId', 'err.message'],
    filter: ['filter level >= 50'],
    query: 'level >= 50',
  },
];

/** The searches as OpenSearch Dashboards imports them, with the index pattern they need. */
export function savedObjects(): string {
  const pattern = {
    type: 'index-pattern',
    id: 'logs',
    attributes: { title: 'logs-*', timeFieldName: '@timestamp' },
    references: [],
  };
  const index = 'kibanaSavedObjectMeta.searchSourceJSON.index';
  const searches = savedSearches.map(({ name, fields, query }) => ({
    type: 'search',
    id: name.toLowerCase().replaceAll(' ', '-'),
    attributes: {
      title: name,
      columns: fields.filter((field) => field !== '@timestamp'),
      sort: [['@timestamp', 'asc']],
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({
          indexRefName: index,
          query: { language: 'kuery', query },
          filter: [],
        }),
      },
    },
    references: [{ type: pattern.type, id: pattern.id, name: index }],
  }));
  return [pattern, ...searches].map((object) => `${JSON.stringify(object)}\n`).join('');
}
