// The little of Microsoft Graph by which clients turn names into object ids and back. Read only; whoever has a token may
// read everything.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { originOf, queryValue } from '../http/request.ts';
import type { Service } from '../service.ts';
import type { App } from '../traffic/call.ts';
import { demandToken } from './bearer.ts';
import { type DirectoryObject, directoryObject, readFilter } from './directory-objects.ts';

const refusal = {
  absent: { code: 'InvalidAuthenticationToken', message: 'Access token is empty.' },
  bad: { code: 'InvalidAuthenticationToken', message: 'Access token validation failure. Invalid audience.' },
};

/** Collections by path, with the type of what is in them. */
const collections = {
  users: '#microsoft.graph.user',
  groups: '#microsoft.graph.group',
  servicePrincipals: '#microsoft.graph.servicePrincipal',
} as const;

const maxIds = 1000;
const getByIdsBody = z.object({ ids: z.array(z.string()).max(maxIds), types: z.array(z.string()).nullish() });

/** Adds the routes of Microsoft Graph. */
export function graphRoutes(app: App, service: Service): void {
  const config = { operation: 'graph' };
  const options = { config, onRequest: demandToken(service, ['https://graph.microsoft.com'], refusal) };
  const all = () => service.directory.all().map(directoryObject);
  for (const version of ['v1.0', 'beta']) {
    for (const [name, type] of Object.entries(collections)) {
      const members = () => all().filter((object) => object['@odata.type'] === type);
      app.get(`/${version}/${name}`, options, (request, reply) => searched(members(), request, reply, service, name));
      app.get(`/${version}/${name}/:id`, options, (request, reply) => {
        const { id } = request.params as { id: string };
        return only(members().find(isMeantBy(id)), id, reply);
      });
    }
    app.get(`/${version}/me`, options, (request, reply) => {
      const id = request.call.principal ?? '';
      return only(
        all().find((object) => object.id === id && object['@odata.type'] === collections.users),
        'me',
        reply,
      );
    });
    app.get(`/${version}/groups/:id/members`, options, (request, reply) => {
      const { id } = request.params as { id: string };
      const group = service.directory.byObjectId(id);
      if (group?.kind !== 'Group') return only(undefined, id, reply);
      return { value: all().filter((object) => group.members.includes(object.id)) };
    });
    app.all(`/${version}/*`, options, (request, reply) => {
      const message = `The mock's Graph is read only and has no ${request.method} ${request.url.slice(0, 100)}`;
      return reply.code(404).send({ error: { code: 'Request_ResourceNotFound', message } });
    });
    app.post(`/${version}/directoryObjects/getByIds`, options, (request, reply) => {
      const asked = getByIdsBody.safeParse(request.body);
      if (!asked.success) return badRequest(reply, `ids must be an array of at most ${maxIds} object ids.`);
      const ids = new Set(asked.data.ids.map((id) => id.toLowerCase()));
      const types = asked.data.types?.map((type) => `#microsoft.graph.${type}`);
      const isAsked = (object: DirectoryObject) =>
        ids.has(object.id) && (types === undefined || types.includes(object['@odata.type']));
      return { '@odata.context': contextOf(request, service, 'directoryObjects'), value: all().filter(isAsked) };
    });
  }
}

function searched(
  members: DirectoryObject[],
  request: FastifyRequest,
  reply: FastifyReply,
  service: Service,
  name: string,
) {
  const text = queryValue(request, '$filter');
  const filter = text === undefined ? () => true : readFilter(text);
  if (filter === undefined) return badRequest(reply, `Invalid filter clause: ${text?.slice(0, 100)}`);
  return { '@odata.context': contextOf(request, service, name), value: members.filter(filter) };
}

/** Users are also known by their principal name, service principals by `appId='…'`. */
function isMeantBy(id: string): (object: DirectoryObject) => boolean {
  const wanted = id.toLowerCase();
  return (object) => object.id === wanted || String(object.userPrincipalName).toLowerCase() === wanted;
}

function only(found: DirectoryObject | undefined, id: string, reply: FastifyReply) {
  if (found !== undefined) return found;
  const message = `Resource '${id.slice(0, 100)}' does not exist or one of its queried reference-property objects are not present.`;
  return reply.code(404).send({ error: { code: 'Request_ResourceNotFound', message } });
}

const badRequest = (reply: FastifyReply, message: string) =>
  reply.code(400).send({ error: { code: 'Request_BadRequest', message } });

const contextOf = (request: FastifyRequest, service: Service, name: string) =>
  `${originOf(request, service)}/v1.0/$metadata#${name}`;
