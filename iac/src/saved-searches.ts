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
