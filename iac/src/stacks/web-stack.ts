import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as deployment from 'aws-cdk-lib/aws-s3-deployment';
import type { Construct } from 'constructs';
import {
  backofficeFilePolicy,
  forever,
  guestPolicy,
} from '../../../services/gateway/src/page-policies.ts';
import { backofficeFiles, gatewayPatterns, guestPageFunction } from '../routing.ts';
import type { Settings } from '../settings.ts';
import type { GlobalStack } from './global-stack.ts';
import { type NetworkStack, servicePort } from './network-stack.ts';

/** Folders of the built web apps. */
export type BuiltApps = { customer: string; backoffice: string };

/**
 * Node keeps idle connections for 72 s, so the load balancer, and CloudFront before it, must drop theirs earlier: else a
 * request could meet a connection that is being closed. Streams send something every 15 s.
 */
const idleSeconds = { loadBalancer: 60, cloudFront: 50 };
/** Maximum silence of an origin, and the most that CloudFront allows without asking AWS. */
const silenceSecondsMax = 60;

/** The one entrance: CloudFront, with the pages in two buckets and the gateway behind a load balancer. */
export class WebStack extends Stack {
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  readonly gatewayTargets: elbv2.ApplicationTargetGroup;
  readonly distribution: cloudfront.Distribution;
  readonly buckets: Record<keyof BuiltApps, s3.Bucket>;
  /** Without a slash at its end. */
  readonly url: string;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & {
      settings: Settings;
      network: NetworkStack;
      global: GlobalStack;
      apps: BuiltApps;
      securityHeaders: Record<string, string>;
    },
  ) {
    super(scope, id, props);
    const { settings, network, global, apps, securityHeaders } = props;
    const { vpc, groups } = network;
    const { domain } = settings;

    this.loadBalancer = new elbv2.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      internetFacing: false,
      securityGroup: groups.loadBalancer,
      idleTimeout: Duration.seconds(idleSeconds.loadBalancer),
      dropInvalidHeaderFields: true,
      deletionProtection: settings.keepsData,
    });
    this.gatewayTargets = new elbv2.ApplicationTargetGroup(this, 'Gateway', {
      vpc,
      port: servicePort,
      protocol: elbv2.ApplicationProtocol.HTTP,
      targetType: elbv2.TargetType.IP,
      // A service behind the gateway that is down must not close the door.
      healthCheck: {
        path: '/livez',
        interval: Duration.seconds(5),
        timeout: Duration.seconds(2),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
      deregistrationDelay: Duration.seconds(20),
      loadBalancingAlgorithmType:
        elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    });
    this.loadBalancer.addListener('Http', {
      port: 80,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultTargetGroups: [this.gatewayTargets],
    });

    const bucket = (name: string) =>
      new s3.Bucket(this, name, {
        encryption: s3.BucketEncryption.S3_MANAGED,
        blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
        enforceSSL: true,
        versioned: true,
        removalPolicy: RemovalPolicy.DESTROY,
        autoDeleteObjects: true,
        lifecycleRules: [{ noncurrentVersionExpiration: Duration.days(30) }],
      });
    this.buckets = { customer: bucket('Customer'), backoffice: bucket('Backoffice') };

    const gateway: cloudfront.BehaviorOptions = {
      // CloudFront enters the network by interfaces of its own: the load balancer has no public address.
      origin: origins.VpcOrigin.withApplicationLoadBalancer(this.loadBalancer, {
        protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
        httpPort: 80,
        readTimeout: Duration.seconds(silenceSecondsMax),
        keepaliveTimeout: Duration.seconds(idleSeconds.cloudFront),
      }),
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
      cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
      originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER,
      // The gateway compresses, and leaves streams alone.
      compress: false,
    };
    const files = (
      name: keyof BuiltApps,
      contentSecurityPolicy: string,
    ): cloudfront.BehaviorOptions => ({
      origin: origins.S3BucketOrigin.withOriginAccessControl(this.buckets[name], {
        originAccessLevels: [cloudfront.AccessLevel.READ, cloudfront.AccessLevel.LIST],
      }),
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
      responseHeadersPolicy: headersPolicy(this, `${name}Headers`, {
        ...securityHeaders,
        'content-security-policy': contentSecurityPolicy,
      }),
    });
    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: `Queue Manager ${settings.environment}`,
      webAclId: global.firewallArn,
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      // The function below says so, too. Without both, the first page would be the list of the bucket.
      defaultRootObject: 'index.html',
      priceClass: cloudfront.PriceClass.PRICE_CLASS_ALL,
      ...(domain && global.certificate
        ? {
            domainNames: [domain.name],
            certificate: global.certificate,
            minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
          }
        : {}),
      defaultBehavior: {
        ...files('customer', guestPolicy),
        functionAssociations: [
          {
            eventType: cloudfront.FunctionEventType.VIEWER_REQUEST,
            function: new cloudfront.Function(this, 'GuestPages', {
              runtime: cloudfront.FunctionRuntime.JS_2_0,
              code: cloudfront.FunctionCode.fromInline(guestPageFunction()),
            }),
          },
        ],
      },
      // The first that fits counts.
      additionalBehaviors: {
        [backofficeFiles]: files('backoffice', backofficeFilePolicy),
        ...Object.fromEntries(gatewayPatterns.map((pattern) => [pattern, gateway])),
      },
    });
    this.url = `https://${domain?.name ?? this.distribution.distributionDomainName}`;
    if (domain) {
      const record = {
        zone: route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', {
          hostedZoneId: domain.zoneId,
          zoneName: domain.zoneName,
        }),
        recordName: `${domain.name}.`,
        target: route53.RecordTarget.fromAlias(new targets.CloudFrontTarget(this.distribution)),
      };
      new route53.ARecord(this, 'Address', record);
      new route53.AaaaRecord(this, 'Address6', record);
    }

    // Before anything that names them, and never deleted: pages that are open still ask for the old ones.
    const assets = {
      exclude: ['*'],
      prune: false,
      cacheControl: [deployment.CacheControl.fromString(forever)],
    };
    new deployment.BucketDeployment(this, 'CustomerAssets', {
      ...assets,
      sources: [deployment.Source.asset(apps.customer, withoutCopies)],
      destinationBucket: this.buckets.customer,
      include: ['assets/*'],
    });
    new deployment.BucketDeployment(this, 'BackofficeAssets', {
      ...assets,
      sources: [deployment.Source.asset(apps.backoffice, withoutCopies)],
      destinationBucket: this.buckets.backoffice,
      destinationKeyPrefix: 'backoffice',
      include: ['*-????????.js', '*-????????.css', 'media/*'],
    });

    new CfnOutput(this, 'Url', { value: this.url });
  }
}

/** CloudFront compresses by itself. */
export const withoutCopies = { exclude: ['*.br', '*.gz', '**/*.br', '**/*.gz', '.sources'] };

/** Security headers of the gateway for answers that do not come from it. */
function headersPolicy(
  scope: Construct,
  id: string,
  headers: Record<string, string>,
): cloudfront.ResponseHeadersPolicy {
  const {
    'content-security-policy': contentSecurityPolicy = '',
    'referrer-policy': referrerPolicy = '',
    'strict-transport-security': transport = '',
    'x-content-type-options': contentTypeOptions,
    'x-frame-options': frameOption = '',
    ...others
  } = headers;
  const override = true;
  const [, maxAgeSeconds = ''] = /max-age=(\d+)/.exec(transport) ?? [];
  return new cloudfront.ResponseHeadersPolicy(scope, id, {
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy, override },
      referrerPolicy: {
        referrerPolicy: referrerPolicy as cloudfront.HeadersReferrerPolicy,
        override,
      },
      strictTransportSecurity: {
        accessControlMaxAge: Duration.seconds(Number(maxAgeSeconds)),
        includeSubdomains: transport.includes('includeSubDomains'),
        override,
      },
      ...(contentTypeOptions === 'nosniff' ? { contentTypeOptions: { override } } : {}),
      frameOptions: { frameOption: frameOption as cloudfront.HeadersFrameOption, override },
    },
    customHeadersBehavior: {
      customHeaders: Object.entries(others).map(([header, value]) => ({ header, value, override })),
    },
  });
}
