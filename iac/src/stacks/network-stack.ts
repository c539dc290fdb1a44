import { Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { foreignLogGroupOf } from '../log-group.ts';
import type { Settings } from '../settings.ts';
import { tracesPort } from '../watching/collector-config.ts';

const cidr = '10.20.0.0/16';

/** Services of AWS that the system calls from inside the network, besides S3 and DynamoDB, whose endpoints cost nothing. */
const endpointServices = {
  Sqs: ec2.InterfaceVpcEndpointAwsService.SQS,
  Sns: ec2.InterfaceVpcEndpointAwsService.SNS,
  Ssm: ec2.InterfaceVpcEndpointAwsService.SSM,
  // Session Manager, by which operators come in.
  SsmMessages: ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
  SecretsManager: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Logs: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  // Images of containers; their layers come from S3.
  Ecr: ec2.InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
};

/** Of those who call others. The groups of the stores are with the stores. */
export type SecurityGroups = {
  loadBalancer: ec2.SecurityGroup;
  /** Every task and function of ours. */
  services: ec2.SecurityGroup;
};

export const servicePort = 8080;

/**
 * Public subnets hold only the NAT; load balancer, tasks and functions are in private ones, stores in isolated ones
 * without a way out.
 */
export class NetworkStack extends Stack {
  readonly vpc: ec2.Vpc;
  readonly cidr = cidr;
  readonly groups: SecurityGroups;

  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const { settings } = props;

    const natInstance = ec2.NatProvider.instanceV2({
      instanceType: new ec2.InstanceType('t4g.nano'),
      machineImage: ec2.MachineImage.latestAmazonLinux2023({
        cpuType: ec2.AmazonLinuxCpuType.ARM_64,
      }),
      defaultAllowedTraffic: ec2.NatTrafficDirection.OUTBOUND_ONLY,
      // The subnets give none.
      associatePublicIpAddress: true,
    });
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(cidr),
      availabilityZones: settings.zones.split(',').map((zone) => `${settings.region}${zone}`),
      natGatewayProvider: settings.nat === 'gateway' ? ec2.NatProvider.gateway() : natInstance,
      natGateways: settings.natCount,
      subnetConfiguration: [
        {
          name: 'public',
          subnetType: ec2.SubnetType.PUBLIC,
          cidrMask: 24,
          mapPublicIpOnLaunch: false,
        },
        { name: 'private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
        { name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      gatewayEndpoints: {
        S3: { service: ec2.GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB },
      },
      restrictDefaultSecurityGroup: false,
    });
    if (settings.nat === 'instance') {
      natInstance.connections.allowFrom(ec2.Peer.ipv4(cidr), ec2.Port.allTraffic(), 'Way out');
    }
    if (settings.interfaceEndpoints) {
      for (const [name, service] of Object.entries(endpointServices)) {
        this.vpc
          .addInterfaceEndpoint(name, { service, open: false })
          .connections.allowFrom(ec2.Peer.ipv4(cidr), ec2.Port.tcp(443));
      }
    }
    this.vpc.addFlowLog('FlowLog', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        foreignLogGroupOf(this, 'FlowLogs', settings),
      ),
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });

    const group = (name: string, description: string, allowAllOutbound: boolean) =>
      new ec2.SecurityGroup(this, name, { vpc: this.vpc, description, allowAllOutbound });
    this.groups = {
      loadBalancer: group('LoadBalancer', 'Load balancer of the gateway', false),
      services: group('Services', 'Tasks and functions', true),
    };
    const { loadBalancer, services } = this.groups;
    // CloudFront reaches the load balancer from network interfaces in the private subnets.
    loadBalancer.addIngressRule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(80), 'CloudFront');
    loadBalancer.connections.allowTo(services, ec2.Port.tcp(servicePort), 'Gateway');
    services.addIngressRule(services, ec2.Port.tcp(servicePort), 'Calls between services');
    services.addIngressRule(services, ec2.Port.tcp(tracesPort), 'Traces');
  }
}
