import { CrossStackReferences, ReferenceStrength, Stack, type StackProps } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import { gatewayEnv } from '../../../services/gateway/src/config.ts';
import { alertTopicOf } from '../alert-topic.ts';
import type { Settings } from '../settings.ts';
import { addAlarm, firewallAlarm } from '../watching/alarms.ts';

/** What CloudFront takes from us-east-1 only: the firewall with its alarm, and the certificate of an own domain. */
export class GlobalStack extends Stack {
  readonly firewallArn: string;
  readonly certificate: acm.Certificate | undefined;

  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const { settings } = props;
    const { domain, prefix } = settings;

    const firewall = new wafv2.CfnWebACL(this, 'Firewall', {
      name: `${prefix}firewall`,
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      visibilityConfig: visibilityOf(`${prefix}firewall`),
      rules: [
        managedRules(0, 'AWSManagedRulesAmazonIpReputationList'),
        managedRules(1, 'AWSManagedRulesKnownBadInputsRuleSet'),
        managedRules(2, 'AWSManagedRulesCommonRuleSet', [
          // A message for the broker has up to 64 KiB; the gateway limits bodies.
          'SizeRestrictions_BODY',
          // Notes and queue texts are free text. Answers are JSON, and pages run no inline scripts.
          'CrossSiteScripting_BODY',
          'GenericRFI_BODY',
          // A till's program may send none.
          'NoUserAgent_HEADER',
        ]),
        // A whole dining room shares an address, and a festival those of a few carriers: the gateway counts by ticket
        // and account, the firewall only floods.
        rateRule(3, 'Requests', perFiveMinutes('RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE')),
        rateRule(
          4,
          'SignIns',
          perFiveMinutes('RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE'),
          '/v1/auth/',
        ),
      ],
    });
    this.firewallArn = firewall.attrArn;
    // Its metrics are in this region, and so are an alarm on them and the topic of that.
    addAlarm(
      this,
      settings,
      firewallAlarm(`${prefix}firewall`),
      alertTopicOf(this, `${prefix}edge-alerts`, settings),
    );

    this.certificate =
      domain &&
      new acm.Certificate(this, 'Certificate', {
        domainName: domain.name,
        validation: acm.CertificateValidation.fromDns(
          route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', {
            hostedZoneId: domain.zoneId,
            zoneName: domain.zoneName,
          }),
        ),
      });
    // A strong reference across regions takes a function of aws-cdk-lib in both. CloudFront keeps what it uses anyway.
    for (const resource of [firewall, this.certificate]) {
      if (resource) CrossStackReferences.of(resource).produce(ReferenceStrength.WEAK);
    }
  }
}

/** Five minutes of what a gateway allows one address. */
function perFiveMinutes(
  variable: 'RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE' | 'RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE',
) {
  return 5 * gatewayEnv[variable].parse(undefined);
}

/** Without samples: they hold URLs, and those hold tickets. */
function visibilityOf(metricName: string): wafv2.CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}

/** Rules in `counted` only count. */
function managedRules(
  priority: number,
  name: string,
  counted: string[] = [],
): wafv2.CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name,
        ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
      },
    },
    visibilityConfig: visibilityOf(name),
  };
}

/** Blocks an address with more requests than `limit` within five minutes. */
function rateRule(
  priority: number,
  name: string,
  limit: number,
  path?: string,
): wafv2.CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    action: { block: { customResponse: { responseCode: 429 } } },
    statement: {
      rateBasedStatement: {
        aggregateKeyType: 'IP',
        evaluationWindowSec: 300,
        limit,
        ...(path
          ? {
              scopeDownStatement: {
                byteMatchStatement: {
                  fieldToMatch: { uriPath: {} },
                  positionalConstraint: 'STARTS_WITH',
                  searchString: path,
                  textTransformations: [{ priority: 0, type: 'NONE' }],
                },
              },
            }
          : {}),
      },
    },
    visibilityConfig: visibilityOf(name),
  };
}
