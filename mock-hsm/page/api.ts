// The JSON that the page is made from: what the routes of this folder answer. Types alone, and nothing of Node: the
// browser's code shares them.

/** What happened since the sample before, about a second ago. */
export interface TrafficSample {
  /** When it was taken, in milliseconds since 1970, by the machine's clock. */
  readonly timeMs: number;
  /** How long a time it covers. */
  readonly spanMs: number;
  readonly requests: number;
  /** Percentiles of the durations in milliseconds; absent when nothing was answered. */
  readonly latencyMs?: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** TLS connections open at that moment. */
  readonly connections: number;
  /** Requests waiting at that moment for the HSM or the simulated network. */
  readonly queued: number;
  readonly outcomes: readonly Outcome[];
}

export interface Outcome {
  readonly operation: string;
  /** 0: the connection was cut. */
  readonly status: number;
  readonly requests: number;
  /** Of all of them together. */
  readonly durationMs: number;
}

/** `GET /mock/traffic?since=MS` */
export interface TrafficAnswer {
  readonly samples: readonly TrafficSample[];
}

/** What the page shows of an entry of the request log. */
export interface LogLine {
  readonly sequence: number;
  /** ISO 8601. */
  readonly time: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** 0: the connection was cut. */
  readonly status: number;
  /** Object id. */
  readonly principal?: string;
  /** Name of the principal in the directory. */
  readonly who?: string;
  /** The role that allowed it. */
  readonly role?: string;
  /** Why it was refused. */
  readonly reason?: string;
  /** Kind of the fault that befell it. */
  readonly fault?: string;
  readonly key?: string;
  readonly algorithm?: string;
  readonly durationMs: number;
  /** Number of the TLS connection. */
  readonly connection: number;
}

/** `GET /mock/log?after=SEQUENCE&filter=TEXT`: the newest lines, oldest first. */
export interface LogAnswer {
  readonly lines: readonly LogLine[];
  /** What `after` is next time. */
  readonly last: number;
}

export interface KeyRow {
  readonly name: string;
  /** CKA_LABEL of its tags. */
  readonly label?: string;
  /** `RSA 2048`, `EC P-256`, `AES 256`. */
  readonly type: string;
  readonly versions: number;
  readonly enabled: boolean;
  /** Unix seconds. */
  readonly nbf?: number;
  readonly exp?: number;
  readonly created: number;
  /** Unix seconds; only of a deleted key. */
  readonly scheduledPurgeDate?: number;
  /** Of its PKCS#11 attributes. */
  readonly damaged: number;
}

/** `GET /mock/keys?search=TEXT` */
export interface KeysAnswer {
  readonly keys: readonly KeyRow[];
  /** How many match; more than `keys` when the list was cut. */
  readonly matching: number;
  /** How many there are. */
  readonly all: number;
}

/** An attribute that a tag stands for. */
export interface Pkcs11Attribute {
  readonly tag: string;
  readonly object: 'private key' | 'public key';
  /** `CKA_LABEL`; of an attribute that is not known, its name as the tag has it. */
  readonly attribute: string;
  /** For people; the tag's own text when it is damaged or not known. */
  readonly value: string;
  /** What was expected instead; absent when the value is fine. */
  readonly damage?: string;
}

export interface VersionView {
  readonly version: string;
  readonly type: string;
  readonly keyOps: readonly string[];
  readonly enabled: boolean;
  readonly nbf?: number;
  readonly exp?: number;
  readonly created: number;
  readonly updated: number;
  readonly exportable: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly pkcs11: readonly Pkcs11Attribute[];
}

/** `GET /mock/keys/NAME` */
export interface KeyAnswer extends KeyRow {
  /** Newest first. */
  readonly history: readonly VersionView[];
  /** For people; absent when the key has none. */
  readonly rotation?: string;
}

export interface PrincipalView {
  readonly name: string;
  readonly objectId: string;
  readonly kind: string;
  readonly clientId?: string;
  /** Names of the groups it is in, directly or through others. */
  readonly groups: readonly string[];
}

/** `GET /mock/principals` */
export interface PrincipalsAnswer {
  readonly tenantId: string;
  readonly principals: readonly PrincipalView[];
}

export interface AssignmentView {
  readonly id: string;
  readonly principalId: string;
  /** Absent when the directory does not know it. */
  readonly principal?: string;
  readonly kind?: string;
  /** Absent when the role was deleted. */
  readonly role?: string;
  readonly scope: string;
}

export interface RoleView {
  readonly id: string;
  readonly name: string;
  readonly builtIn: boolean;
  readonly permissions: readonly {
    readonly dataActions: readonly string[];
    readonly notDataActions: readonly string[];
  }[];
}

export interface OperationView {
  readonly operation: string;
  readonly dataAction: string;
  /** Where the operation checks it: `pool`, `keys`, `key` or, for roles, the scope of the `path`. */
  readonly checkedAt: string;
}

/** `GET /mock/roles` */
export interface RolesAnswer {
  readonly assignments: readonly AssignmentView[];
  readonly definitions: readonly RoleView[];
  readonly operations: readonly OperationView[];
}

export interface ConsideredAssignment extends AssignmentView {
  /** Name of the group that has it; absent when the principal itself does. */
  readonly group?: string;
  readonly outcome: string;
}

/** `GET /mock/allowed?principal=…&action=…&scope=…` */
export interface AllowedAnswer {
  readonly allowed: boolean;
  readonly principal: string;
  readonly dataAction: string;
  readonly scope: string;
  readonly considered: readonly ConsideredAssignment[];
  /** The written roles say otherwise, but that is not felt yet. */
  readonly notYetInEffect: boolean;
}

/** What a field of a fault takes; as much of JSON Schema as such fields need. */
export interface FaultField {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean';
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly FaultField[];
}

/** `GET /mock/faults/form` */
export interface FaultFormAnswer {
  /** What `operation` can be. */
  readonly operations: readonly string[];
  /** By name, in the order of the model. */
  readonly fields: Readonly<Record<string, FaultField>>;
}

/** An item of `GET /mock/faults`: the fields that were given, and what became of it. */
export interface FaultView {
  readonly id: number;
  readonly struck: number;
  readonly left: number | 'always';
  readonly [field: string]: unknown;
}

/** `GET /mock/clock` */
export interface ClockAnswer {
  /** ISO 8601. */
  readonly now: string;
  readonly frozen: boolean;
  /** From the machine's time. */
  readonly offsetMs: number;
}

/** `GET /mock/profile` */
export interface ProfileAnswer {
  readonly profile: string;
  readonly latency: string;
  readonly partitions: number;
  readonly lanes: { readonly busy: number; readonly all: number };
}
