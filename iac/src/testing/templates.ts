import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { type Environment, type Settings, settingsFrom } from '../settings.ts';
import { createSystem } from '../system.ts';

export type Resource = {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of CloudFormation have no types here
  Properties: any;
  DependsOn?: string[];
  DeletionPolicy?: string;
};

export type Templates = {
  settings: Settings;
  /** By name without prefix (`data`), the resources by logical id. */
  stacks: Record<string, Record<string, Resource>>;
  /** What the CDK warns of when it writes the templates. */
  warnings: string[];
};

/** The templates of an environment, without a build of the apps and without bundled functions. */
export async function synthesize(
  environment: Environment,
  parameters: Record<string, unknown> = {},
): Promise<Templates> {
  const folder = mkdtempSync(join(tmpdir(), 'queue-manager-synth-'));
  try {
    const apps = { customer: join(folder, 'customer'), backoffice: join(folder, 'backoffice') };
    for (const app of Object.values(apps)) {
      mkdirSync(app);
      writeFileSync(join(app, 'index.html'), '');
    }
    const settings = settingsFrom({
      environment,
      alertEmail: 'operator@example.org',
      ...parameters,
    });
    const app = await createSystem({
      settings,
      apps,
      outdir: join(folder, 'out'),
      isBundled: false,
      image: () => ecs.ContainerImage.fromRegistry('image'),
    });
    const { stacks, directory } = app.synth();
    const report = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8'));
    return {
      settings,
      warnings: [
        ...stacks.flatMap(({ messages }) =>
          messages.map(({ id, entry }) => `${id}: ${entry.data}`),
        ),
        ...report.pluginReports.flatMap(({ violations }: { violations: object[] }) =>
          violations.map((violation) => JSON.stringify(violation)),
        ),
      ],
      stacks: Object.fromEntries(
        stacks.map(({ stackName, templateFullPath }) => [
          stackName.slice(settings.prefix.length),
          JSON.parse(readFileSync(templateFullPath, 'utf8')).Resources,
        ]),
      ),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The resources of a type with their logical ids, in one stack or all. */
export function resourcesOf(
  { stacks }: Templates,
  type: string,
  stack?: string,
): [id: string, resource: Resource][] {
  return (stack === undefined ? Object.values(stacks) : [stacks[stack] ?? {}]).flatMap(
    (resources) => Object.entries(resources).filter(([, resource]) => resource.Type === type),
  );
}

/** The one resource of a type that fits. Throws when there is none, or several. */
export function resourceOf(
  templates: Templates,
  type: string,
  fits: (properties: Resource['Properties'], id: string) => boolean = () => true,
): [id: string, resource: Resource] {
  const found = resourcesOf(templates, type).filter(([id, { Properties }]) => fits(Properties, id));
  const [first, another] = found;
  if (first === undefined || another !== undefined) {
    throw new Error(`${found.length} instead of one ${type}`);
  }
  return first;
}

/** A value with its parts joined; references become `<logical id>` or `<logical id.attribute>`. */
export function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('Ref' in value) return `<${value.Ref}>`;
  if ('Fn::GetAtt' in value) return `<${(value['Fn::GetAtt'] as string[]).join('.')}>`;
  if ('Fn::ImportValue' in value) return `<${textOf(value['Fn::ImportValue'])}>`;
  if ('Fn::Join' in value) {
    const [separator, parts] = value['Fn::Join'] as [string, unknown[]];
    return parts.map(textOf).join(separator);
  }
  return JSON.stringify(value);
}
