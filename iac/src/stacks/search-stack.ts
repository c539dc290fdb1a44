import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as destinations from 'aws-cdk-lib/aws-logs-destinations';
import * as opensearch from 'aws-cdk-lib/aws-opensearchservice';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { functionOf } from '../function.ts';
import { foreignLogGroupOf } from '../log-group.ts';
import type { Settings } from '../settings.ts';
import type { NetworkStack } from './network-stack.ts';

const user = 'operator';

/** OpenSearch with the logs of everything. Optional, since it costs what a small system costs. */
export class SearchStack extends Stack {
  readonly shipping: lambda.IFunction;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { settings: Settings; network: NetworkStack; logGroups: logs.ILogGroup[] },
  ) {
    super(scope, id, props);
    const { settings, network, logGroups } = props;
    const { vpc, groups } = network;

    const group = new ec2.SecurityGroup(this, 'Group', { vpc, allowAllOutbound: false });
    group.connections.allowFrom(groups.services, ec2.Port.tcp(443));
    const password = new secretsmanager.Secret(this, 'Password', {
      description: 'Of the user who searches logs',
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: user }),
        generateStringKey: 'password',
        passwordLength: 40,
        excludeCharacters: '"\\\'',
      },
    });
    const logGroup = foreignLogGroupOf(this, 'Logs', settings);
    logGroup.grantWrite(new iam.ServicePrincipal('es.amazonaws.com'));
    const domain = new opensearch.Domain(this, 'Domain', {
      version: opensearch.EngineVersion.OPENSEARCH_2_19,
      vpc,
      vpcSubnets: [{ subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      securityGroups: [group],
      capacity: {
        dataNodes: 2,
        dataNodeInstanceType: 't3.small.search',
        multiAzWithStandbyEnabled: false,
      },
      zoneAwareness: { enabled: true, availabilityZoneCount: 2 },
      ebs: { volumeSize: 20, volumeType: ec2.EbsDeviceVolumeType.GP3 },
      encryptionAtRest: { enabled: true },
      nodeToNodeEncryption: true,
      enforceHttps: true,
      tlsSecurityPolicy: opensearch.TLSSecurityPolicy.TLS_1_2,
      logging: {
        slowSearchLogEnabled: true,
        slowSearchLogGroup: logGroup,
        slowIndexLogEnabled: true,
        slowIndexLogGroup: logGroup,
        appLogEnabled: true,
        appLogGroup: logGroup,
      },
      suppressLogsResourcePolicy: true,
      fineGrainedAccessControl: {
        masterUserName: user,
        masterUserPassword: password.secretValueFromJson('password'),
      },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    domain.node.addDependency(logGroup);
    // Who has the password may search; nobody outside the network reaches it. As a property: the construct would set it by a
    // function of aws-cdk-lib.
    (domain.node.defaultChild as opensearch.CfnDomain).accessPolicies = new iam.PolicyDocument({
      statements: [
        new iam.PolicyStatement({
          principals: [new iam.AnyPrincipal()],
          actions: ['es:ESHttp*'],
          resources: ['*'],
        }),
      ],
    });
    const shipping = functionOf(this, 'ship-logs', settings, {
      entry: 'iac/src/functions/ship-logs.ts',
      network,
      timeout: Duration.seconds(60),
      environment: {
        OPENSEARCH_URL: `https://${domain.domainEndpoint}`,
        OPENSEARCH_USER: user,
        PASSWORD_SECRET: password.secretArn,
      },
    });
    password.grantRead(shipping);
    this.shipping = shipping;
    logGroups.forEach((logGroup, index) => {
      new logs.SubscriptionFilter(this, `Subscription${index}`, {
        logGroup,
        destination: new destinations.LambdaDestination(shipping),
        filterPattern: logs.FilterPattern.allEvents(),
      });
    });
    new CfnOutput(this, 'SearchHost', { value: domain.domainEndpoint });
  }
}
