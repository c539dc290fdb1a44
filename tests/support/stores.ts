import { DeleteTableCommand, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { connectDynamo } from '@queue-manager/service-kit/dynamo';
import { connectRedis, mastersOf, type RedisClient } from '@queue-manager/service-kit/redis';
import { testEnv, testLogger, testRedis, until } from '@queue-manager/service-kit/testing';
import { createPool, escapeId, type RowDataPacket } from 'mysql2/promise';

/** Searches the stores of the running system directly for leftover data. */
export async function openStores() {
  const uri = testEnv('SYSTEM_MYSQL_URL');
  const mysql = createPool({ uri, connectionLimit: 4, supportBigNumbers: true });
  const dynamo = connectDynamo();
  const redis = connectRedis({
    ...testRedis(),
    commandTimeoutMs: 30_000,
    logger: testLogger,
  });
  await until('Redis answers', () => redis.ping().catch(() => null));

  async function inMysql(words: readonly string[]): Promise<string[]> {
    const [columns] = await mysql.query<RowDataPacket[]>(
      `SELECT table_name AS tableName, column_name AS columnName FROM information_schema.columns
       WHERE table_schema = DATABASE() AND data_type IN ('varchar', 'json', 'longtext', 'text')`,
    );
    const places = [];
    for (const { tableName, columnName } of columns) {
      const column = `CAST(${escapeId(columnName)} AS CHAR)`;
      const [rows] = await mysql.query<RowDataPacket[]>(
        `SELECT 1 FROM ${escapeId(tableName)}
         WHERE ${words.map(() => `INSTR(LOWER(${column}), LOWER(?))`).join(' OR ')} LIMIT 1`,
        [...words],
      );
      if (rows.length > 0) places.push(`MySQL ${tableName}.${columnName}`);
    }
    return places;
  }

  async function inDynamo(words: readonly string[]): Promise<string[]> {
    const places = [];
    const { TableNames: names = [] } = await dynamo.send(new ListTablesCommand());
    for (const TableName of names) {
      let ExclusiveStartKey: Record<string, never> | undefined;
      do {
        const page = await dynamo.send(
          new ScanCommand({
            TableName,
            ConsistentRead: true,
            ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
          }),
        );
        if (holds(words, JSON.stringify(page.Items))) places.push(`DynamoDB ${TableName}`);
        ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
      } while (ExclusiveStartKey !== undefined);
    }
    return places;
  }

  async function inRedis(words: readonly string[]): Promise<string[]> {
    const places = [];
    const keys = await Promise.all(mastersOf(redis).map((server) => server.keys('*')));
    for (const key of keys.flat()) {
      if (holds(words, key + JSON.stringify(await contentOf(redis, key))))
        places.push(`Redis ${key}`);
    }
    return places;
  }

  return {
    /** Where any of these words occurs, in any letter case. */
    async placesOf(words: readonly string[]): Promise<string[]> {
      return (await Promise.all([inMysql(words), inDynamo(words), inRedis(words)])).flat();
    },
    async close(): Promise<void> {
      dynamo.destroy();
      redis.disconnect();
      await mysql.end();
    },
  };
}

function holds(words: readonly string[], text: string | undefined): boolean {
  const lower = text?.toLowerCase() ?? '';
  return words.some((word) => lower.includes(word.toLowerCase()));
}

async function contentOf(redis: RedisClient, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'list':
      return redis.lrange(key, '0', '-1');
    default:
      return null;
  }
}

/** Drops the DynamoDB tables of a system with a prefix of its own. */
export async function dropTables(prefix: string): Promise<void> {
  const dynamo = connectDynamo();
  const { TableNames = [] } = await dynamo.send(
    new ListTablesCommand({ ExclusiveStartTableName: prefix }),
  );
  for (const TableName of TableNames.filter((name) => name.startsWith(prefix)))
    await dynamo.send(new DeleteTableCommand({ TableName }));
  dynamo.destroy();
}
