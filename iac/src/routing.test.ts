import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { guestPages, pageAt } from '@queue-manager/contracts/pages';
import { publicContracts } from '@queue-manager/contracts/registry';
import { gatewayContracts } from '@queue-manager/contracts/service';
import { forever, guestPolicy, revalidated } from '../../services/gateway/src/page-policies.ts';
import { securityHeaders } from '../../services/gateway/src/security-headers.ts';
import { guestPageFunction } from './routing.ts';
import {
  type Resource,
  resourceOf,
  resourcesOf,
  synthesize,
  type Templates,
} from './testing/templates.ts';

suite('CloudFront', () => {
  let templates: Templates;
  let config: Resource['Properties'];
  before(async () => {
    templates = await synthesize('prod');
    config = resourceOf(templates, 'AWS::CloudFront::Distribution')[1].Properties
      .DistributionConfig;
  });

  /** The first behavior whose pattern fits, as CloudFront chooses it. */
  function behaviorOf(path: string): Resource['Properties'] {
    const fits = (pattern: string) =>
      new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(
        path,
      );
    return (
      config.CacheBehaviors.find(({ PathPattern }: { PathPattern: string }) => fits(PathPattern)) ??
      config.DefaultCacheBehavior
    );
  }

  function originOf(path: string): 'gateway' | 'customer' | 'backoffice' {
    const { TargetOriginId } = behaviorOf(path);
    const origin = config.Origins.find(({ Id }: { Id: string }) => Id === TargetOriginId);
    if (origin.VpcOriginConfig) return 'gateway';
    return /Customer/.test(JSON.stringify(origin.DomainName)) ? 'customer' : 'backoffice';
  }

  test('takes the API and the page of the backoffice from the gateway, never from a cache', () => {
    const paths = [...publicContracts, ...gatewayContracts].map(({ url }) =>
      url.replace(/:\w+/g, 'x'),
    );
    const others = ['/docs', '/docs/static/index.html', '/openapi.json', '/backoffice'];
    for (const path of [...paths, ...others, '/backoffice/', '/backoffice/venues/1/stand']) {
      assert.equal(originOf(path), 'gateway', path);
      const { CachePolicyId, AllowedMethods, Compress } = behaviorOf(path);
      assert.equal(CachePolicyId, '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', 'CachingDisabled');
      assert.ok(AllowedMethods.includes('POST'), path);
      assert.equal(Compress, false, 'streams are not buffered');
    }
  });

  test('takes files from the buckets, with the headers of the gateway', async () => {
    const pages = Object.values(guestPages).map((url) => url.replace(/:\w+/, 'x'));
    for (const path of [...pages, '/assets/main-abc.js', '/sw.js', '/manifest.webmanifest']) {
      assert.equal(originOf(path), 'customer', path);
    }
    for (const path of ['/backoffice/main-ABCDEFGH.js', '/backoffice/sw.js']) {
      assert.equal(originOf(path), 'backoffice', path);
    }
    const { ResponseHeadersPolicyId } = behaviorOf('/');
    const { SecurityHeadersConfig: security, CustomHeadersConfig: custom } =
      templates.stacks.web?.[ResponseHeadersPolicyId.Ref]?.Properties.ResponseHeadersPolicyConfig ??
      {};
    const sent = {
      'content-security-policy': security.ContentSecurityPolicy.ContentSecurityPolicy,
      'referrer-policy': security.ReferrerPolicy.ReferrerPolicy,
      'strict-transport-security': `max-age=${security.StrictTransportSecurity.AccessControlMaxAgeSec}${
        security.StrictTransportSecurity.IncludeSubdomains ? '; includeSubDomains' : ''
      }`,
      'x-content-type-options': security.ContentTypeOptions ? 'nosniff' : '',
      'x-frame-options': security.FrameOptions.FrameOption,
      ...Object.fromEntries(
        custom.Items.map(({ Header, Value }: Record<string, string>) => [Header, Value]),
      ),
    };
    assert.deepEqual(sent, {
      ...(await securityHeaders()),
      'content-security-policy': guestPolicy,
    });
  });

  test('keeps assets forever, and asks again for what keeps its name', () => {
    const copies = resourcesOf(templates, 'Custom::CDKBucketDeployment').map(
      ([, { Properties }]) => Properties,
    );
    assert.deepEqual(
      copies.map(({ Include, SystemMetadata }) => [
        Include !== undefined,
        SystemMetadata['cache-control'],
      ]),
      [
        [true, forever],
        [true, forever],
        [false, revalidated],
        [false, revalidated],
      ],
    );
    const [, ...others] = new Set(
      ['/sw.js', '/', '/backoffice/sw.js'].map((path) => behaviorOf(path).CachePolicyId),
    );
    assert.deepEqual(others, []);
    // CachingOptimized: at least a second, and as long as the file says.
    assert.equal(behaviorOf('/').CachePolicyId, '658327ea-f89d-4fab-a63d-7e88639e58f6');
  });

  test('answers every address of a guest page with the page, and no other', () => {
    const rewritten = (uri: string): string => {
      const context = { event: { request: { uri } } };
      return runInNewContext(`${guestPageFunction()}; handler(event).uri`, context);
    };
    const paths = ['/', '/j/ABCD', '/j/ABCD/', '/t/a-_B', '/b/0', '/k/x', '/j', '/j/', '/j/a/b'];
    for (const path of [...paths, '/assets/j.js', '/sw.js', '/unknown', '/x/y']) {
      const expected = pageAt(path) === null ? path : '/index.html';
      assert.equal(rewritten(path), expected, path);
    }
  });

  test('waits longer for a stream than its heartbeats are apart', () => {
    const origin = config.Origins.find(
      ({ VpcOriginConfig }: Resource['Properties']) => VpcOriginConfig,
    );
    const heartbeatSeconds = 15;
    assert.ok(origin.VpcOriginConfig.OriginReadTimeout >= 2 * heartbeatSeconds);
    const [, { Properties }] = resourceOf(templates, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
    const { Value } = Properties.LoadBalancerAttributes.find(
      ({ Key }: { Key: string }) => Key === 'idle_timeout.timeout_seconds',
    );
    assert.ok(Number(Value) > origin.VpcOriginConfig.OriginKeepaliveTimeout);
    assert.ok(Number(Value) >= 2 * heartbeatSeconds);
  });
});
