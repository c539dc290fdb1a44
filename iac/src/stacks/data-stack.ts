import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as memorydb from 'aws-cdk-lib/aws-memorydb';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { foreignLogGroupOf } from '../log-group.ts';
import { removalPolicyOf } from '../removal-policy.ts';
import { tablesOfServices } from '../services.ts';
import type { Settings } from '../settings.ts';
import type { NetworkStack } from './network-stack.ts';

export const databaseName = 'queue_manager';
/** Account of the service. The rotation of its password alternates with `app_clone`. */
const databaseUser = 'app';
const exportedLogs = ['error', 'slowquery'];

export class DataStack extends Stack {
  readonly tables: Map<string, dynamodb.TableV2>;
  readonly mysql: rds.DatabaseInstance;
  /** May change tables; used by migrations and rotations. */
  readonly mysqlAdmin: rds.DatabaseSecret;
  /** May change rows. */
  readonly mysqlApp: rds.DatabaseSecret;
  readonly redis: elasticache.CfnReplicationGroup;
  readonly redisToken: secretsmanager.Secret;
  readonly brokerRedis: memorydb.CfnCluster;
  readonly brokerRedisPassword: secretsmanager.Secret;
  readonly brokerRedisUser: string;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { settings: Settings; network: NetworkStack },
  ) {
    super(scope, id, props);
    const { settings, network } = props;
    const { vpc, groups } = network;
    const isolated = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
    const isolatedSubnetIds = vpc.selectSubnets(isolated).subnetIds;

    const storeGroup = (name: string, port: number) => {
      const group = new ec2.SecurityGroup(this, `${name}Group`, { vpc, allowAllOutbound: false });
      group.connections.allowFrom(groups.services, ec2.Port.tcp(port));
      return group;
    };
    const mysqlGroup = storeGroup('Mysql', 3306);
    const redisGroup = storeGroup('Redis', 6379);

    this.tables = new Map(
      tablesOfServices(settings.prefix).map((table) => [
        table.name,
        new dynamodb.TableV2(this, `Table-${table.name.slice(settings.prefix.length)}`, {
          tableName: table.name,
          partitionKey: { name: table.partitionKey, type: dynamodb.AttributeType.STRING },
          ...(table.sortKey
            ? { sortKey: { name: table.sortKey, type: dynamodb.AttributeType.STRING } }
            : {}),
          ...(table.ttlAttribute ? { timeToLiveAttribute: table.ttlAttribute } : {}),
          ...(table.hasStream ? { dynamoStream: dynamodb.StreamViewType.NEW_IMAGE } : {}),
          billing: dynamodb.Billing.onDemand(),
          encryption: dynamodb.TableEncryptionV2.awsManagedKey(),
          pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
          deletionProtection: settings.keepsData,
          removalPolicy: removalPolicyOf(settings),
        }),
      ]),
    );

    // Without a minor version: RDS upgrades it by itself, and stops creating old ones after about a year.
    const engine = rds.DatabaseInstanceEngine.mysql({
      version: rds.MysqlEngineVersion.of('8.4', '8.4'),
    });
    this.mysqlAdmin = new rds.DatabaseSecret(this, 'MysqlAdmin', {
      username: 'admin',
      dbname: databaseName,
    });
    const instanceIdentifier = `${settings.prefix}mysql`;
    this.mysql = new rds.DatabaseInstance(this, 'Mysql', {
      // Known, since the names of its log groups follow from it. A change that would replace the server, and with it the
      // data by an empty database, fails because the name is taken.
      instanceIdentifier,
      engine,
      instanceType: new ec2.InstanceType(settings.mysql.instance),
      credentials: rds.Credentials.fromSecret(this.mysqlAdmin),
      databaseName,
      vpc,
      vpcSubnets: isolated,
      securityGroups: [mysqlGroup],
      multiAz: settings.mysql.multiAz,
      allocatedStorage: settings.mysql.storageGb,
      maxAllocatedStorage: 10 * settings.mysql.storageGb,
      storageType: rds.StorageType.GP3,
      storageEncrypted: true,
      backupRetention: Duration.days(settings.mysql.backupDays),
      copyTagsToSnapshot: true,
      deletionProtection: settings.keepsData,
      removalPolicy: settings.keepsData ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY,
      // Small instances have none.
      enablePerformanceInsights: !settings.mysql.instance.endsWith('.small'),
      monitoringInterval: Duration.seconds(60),
      cloudwatchLogsExports: exportedLogs,
      autoMinorVersionUpgrade: true,
      parameterGroup: new rds.ParameterGroup(this, 'MysqlParameters', {
        engine,
        parameters: {
          require_secure_transport: '1',
          transaction_isolation: 'READ-COMMITTED',
          time_zone: 'UTC',
          character_set_server: 'utf8mb4',
          collation_server: 'utf8mb4_unicode_ci',
          max_allowed_packet: String(64 * 1024 * 1024),
          // A commit is on disk before it is acknowledged.
          innodb_flush_log_at_trx_commit: '1',
          sync_binlog: '1',
          slow_query_log: '1',
          long_query_time: '1',
          log_output: 'FILE',
        },
      }),
    });
    for (const log of exportedLogs) {
      const name = `/aws/rds/instance/${instanceIdentifier}/${log}`;
      this.mysql.node.addDependency(foreignLogGroupOf(this, `Mysql-${log}`, settings, name));
    }
    this.mysqlApp = new rds.DatabaseSecret(this, 'MysqlApp', {
      username: databaseUser,
      dbname: databaseName,
      masterSecret: this.mysqlAdmin,
    });
    const appSecret = this.mysqlApp.attach(this.mysql);
    const rotation = {
      automaticallyAfter: Duration.days(30),
      // Before the first deployment of the services, the account does not exist.
      rotateImmediatelyOnUpdate: false,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
    };
    this.mysql.addRotationSingleUser(rotation);
    this.mysql.addRotationMultiUser('App', { secret: appSecret, ...rotation });

    this.redisToken = this.#password('RedisToken', 'Token of the Redis of lines');
    const redisSubnets = new elasticache.CfnSubnetGroup(this, 'RedisSubnets', {
      description: 'Isolated subnets',
      subnetIds: isolatedSubnetIds,
    });
    const redisParameters = new elasticache.CfnParameterGroup(this, 'RedisParameters', {
      cacheParameterGroupFamily: 'valkey8',
      description: 'Queue Manager',
      properties: {
        'cluster-enabled': 'yes',
        // A full server refuses writes, which the services notice, instead of forgetting what mails were sent.
        'maxmemory-policy': 'noeviction',
        // Otherwise an expiring line of a million parties blocks its server for a second.
        'lazyfree-lazy-expire': 'yes',
      },
    });
    this.redis = new elasticache.CfnReplicationGroup(this, 'Redis', {
      replicationGroupId: `${settings.prefix}lines`,
      replicationGroupDescription: 'Lines, rate limits and sent mails',
      engine: 'valkey',
      engineVersion: '8.0',
      cacheNodeType: settings.redis.node,
      clusterMode: 'enabled',
      numNodeGroups: settings.redis.shards,
      replicasPerNodeGroup: settings.redis.replicas,
      // A cluster requires it, also without replicas.
      automaticFailoverEnabled: true,
      multiAzEnabled: settings.redis.replicas > 0,
      cacheParameterGroupName: redisParameters.ref,
      cacheSubnetGroupName: redisSubnets.ref,
      securityGroupIds: [redisGroup.securityGroupId],
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      authToken: this.redisToken.secretValue.unsafeUnwrap(),
      snapshotRetentionLimit: settings.keepsData ? 1 : 0,
      autoMinorVersionUpgrade: true,
    });

    this.brokerRedisPassword = this.#password('BrokerRedisPassword', 'Password of the broker');
    this.brokerRedisUser = `${settings.prefix}broker`;
    const user = new memorydb.CfnUser(this, 'BrokerRedisUser', {
      userName: this.brokerRedisUser,
      accessString: 'on ~* &* +@all -@dangerous +info +cluster|info',
      authenticationMode: {
        Type: 'password',
        Passwords: [this.brokerRedisPassword.secretValue.unsafeUnwrap()],
      },
    });
    const acl = new memorydb.CfnACL(this, 'BrokerRedisAcl', {
      aclName: `${settings.prefix}broker`,
      userNames: [user.ref],
    });
    const brokerSubnets = new memorydb.CfnSubnetGroup(this, 'BrokerRedisSubnets', {
      subnetGroupName: `${settings.prefix}broker`,
      subnetIds: isolatedSubnetIds,
    });
    // MemoryDB acknowledges a write after a log in several zones has it, as `appendfsync always` does on one disk.
    this.brokerRedis = new memorydb.CfnCluster(this, 'BrokerRedis', {
      clusterName: `${settings.prefix}broker`,
      aclName: acl.ref,
      engine: 'valkey',
      engineVersion: '7.3',
      nodeType: settings.brokerRedis.node,
      numShards: 1,
      numReplicasPerShard: settings.brokerRedis.replicas,
      parameterGroupName: 'default.memorydb-valkey7',
      securityGroupIds: [redisGroup.securityGroupId],
      subnetGroupName: brokerSubnets.ref,
      tlsEnabled: true,
      snapshotRetentionLimit: settings.keepsData ? 7 : 0,
      autoMinorVersionUpgrade: true,
    });
  }

  /** Letters and digits only: it becomes part of an address. */
  #password(id: string, description: string): secretsmanager.Secret {
    return new secretsmanager.Secret(this, id, {
      description,
      generateSecretString: { excludePunctuation: true, passwordLength: 48 },
    });
  }
}
