/* py_priv.h - shared by py*.c only: values, the store, the interpreter.
 *
 * Values are immutable.  What changes (names of a scope, entries of a dict or
 * list, attributes) are slots of numbered objects; every change is logged on
 * a trail, so that the branches of an undecided condition can be followed one
 * after the other from the same state and then merged.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PY_PRIV_H
#define BINDU_PY_PRIV_H

#include <stdint.h>
#include "py.h"
#include "py_lex.h"

enum val_kind {
	V_UNKNOWN, /* s: why */
	V_NONE,
	V_BOOL,
	V_INT,
	V_STR,
	V_BYTES,
	V_PATH, /* a pathlib path: s */
	V_FILE, /* an open file: s is its path */
	V_DICT,
	V_LIST,
	V_CLASS,
	V_INST,
	V_MODULE, /* obj */
	V_FUNC, /* func */
	V_METHOD, /* func bound to self */
	V_SUPER, /* self, seen as one of the bases of class obj */
	V_EXT, /* something outside the tree: s is its dotted name */
};

struct func;
struct val {
	enum val_kind k;
	const char *s; /* NUL-terminated, no NUL inside */
	long long i;
	uint32_t obj;
	const struct func *func;
	const struct val *self;
	const char *env; /* the default of this variable; UNKNOWN: it
				 * decides */
};

struct slot {
	uint32_t obj, next; /* next of the same object; 0: none */
	const char *key;
	const struct val *v; /* NULL: absent */
};

struct py_obj {
	uint32_t first, last; /* slots in the order of birth */
};

struct trail {
	uint32_t slot;
	const struct val *old;
};

struct change { /* what a branch made of a slot */
	uint32_t slot;
	const struct val *v;
};

struct late { /* changes of a branch that returned */
	const struct change *c;
	size_t n;
	const struct late *next;
};

struct module {
	const char *file; /* relative to root */
	const char *dir; /* of file, "" at the root */
	const char *package; /* dotted, "" for none */
	char *text;
	struct bindu_py_toks toks;
	uint32_t obj;
};

struct frame {
	uint32_t obj; /* locals */
	struct frame *outer; /* of the definition, for lookups */
	const struct func *func;
	const char *global[16]; /* names declared global or nonlocal */
	unsigned nglobal;
	bool is_class;
	const struct val *ret; /* merged results; NULL: none yet */
	const struct late *late;
};

struct func {
	const char *name;
	struct module *mod;
	uint32_t params, body; /* token after "(", token after ":" */
	uint32_t end; /* first token after the function */
	unsigned line;
	struct frame *outer;
	uint32_t defaults; /* object: what each parameter is without an
			    * argument */
	uint32_t owner; /* the class it is defined in, 0: none */
	enum func_kind { F_PLAIN, F_PROPERTY, F_STATIC, F_CLASS } kind;
	const char *wrap; /* a decorator that is not followed */
	bool generator;
	const struct func *next;
};

enum { PY_ARGS_MAX = 32 };
struct args {
	const struct val *pos[PY_ARGS_MAX];
	const char *key[PY_ARGS_MAX];
	const struct val *val[PY_ARGS_MAX];
	unsigned npos, nkey;
	bool open; /* *args or **kw not known */
};

/* Why execution of a block stopped early. */
enum dead { ALIVE, RETURNED, RAISED, MISSING_FILE, BROKE, CONTINUED };

enum { MAYBE_BROKE = 1, MAYBE_CONTINUED = 2 };

struct chunk;
struct bindu_py {
	int rootfd;
	const char *root;
	struct chunk *chunk; /* arena */
	size_t used;
	unsigned steps, depth, calls;
	bool over; /* a limit was met: unwind */

	struct slot *slot;
	size_t nslot, slotcap;
	uint32_t *hash; /* slot numbers, power of two */
	size_t nhash;
	struct py_obj *obj;
	size_t nobj, objcap;
	struct trail *trail;
	size_t ntrail, trailcap;

	struct module **mod;
	size_t nmod, modcap;
	size_t source; /* bytes read so far */
	const struct func *funcs; /* all that were defined, newest first */
	const struct bindu_py_query *query;
	struct bindu_py_call *hit;
	size_t nhit, hitcap;
	bool reached; /* for the next hit */
	unsigned tries; /* try blocks we are in */
	uint32_t environ; /* object: what the script itself put there */
	const char *script_dir;

	unsigned left, left_line; /* how this round of a loop may have ended,
				   * and where */

	/* where we are */
	struct module *m;
	struct frame *f;
	uint32_t pos, limit;
	enum dead dead;
};

/* py_store.c */
void *py_alloc(struct bindu_py *, size_t);
char *py_strn(struct bindu_py *, const char *, size_t);
char *py_fmt(struct bindu_py *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
uint32_t py_obj_new(struct bindu_py *);
const struct val *py_get(struct bindu_py *, uint32_t obj, const char *key);
void
py_set(struct bindu_py *, uint32_t obj, const char *key, const struct val *);
/* What any key of obj may be; NULL: its keys are known. */
const struct val *py_wild(struct bindu_py *, uint32_t obj);
/* The value under key, or what any may be; NULL: it is absent. */
const struct val *py_entry(struct bindu_py *, uint32_t obj, const char *key);
/* The slot after i (0: the first) that is there and no key of our own, which
 * begin with \x02; 0: none is left. */
uint32_t py_next(struct bindu_py *, uint32_t obj, uint32_t i);
/* Any key may have changed: present ones and absent ones are unknown. */
void py_blur(struct bindu_py *, uint32_t obj, const struct val *why);
size_t py_mark(const struct bindu_py *);
/* The changes since mark (arena), undone. */
struct change *py_take_back(struct bindu_py *, size_t mark, size_t *n);
void py_redo(struct bindu_py *, const struct change *, size_t n);
/* Now is one branch since mark, a the other: make the state both agree on. */
void py_merge(struct bindu_py *, size_t mark, size_t nobj,
    const struct change *a, size_t n, unsigned line);
bool
py_equal(struct bindu_py *, const struct val *, const struct val *, int depth);
const struct val *py_merge_val(struct bindu_py *, const struct val *,
    const struct val *, unsigned line, int depth);
void py_store_free(struct bindu_py *);

/* py_value.c */
extern const struct val py_none, py_true, py_false, py_any;
const struct val *py_unknown(struct bindu_py *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
const struct val *py_str(struct bindu_py *, enum val_kind, const char *);
const struct val *
py_strn_val(struct bindu_py *, enum val_kind, const char *, size_t);
const struct val *py_int(struct bindu_py *, long long);
const struct val *py_bool(bool);
const struct val *py_objval(struct bindu_py *, enum val_kind, uint32_t obj);
const struct val *
py_with_env(struct bindu_py *, const struct val *, const char *env);
const struct val *py_derived(struct bindu_py *, const struct val *);
/* What is made of v (may be NULL) in a way that is not followed: unknown, for
 * its own reason when it has one. */
const struct val *py_unfollowed(const struct val *);
int py_truth(struct bindu_py *, const struct val *); /* 0, 1, -1: maybe */
const char *py_text(struct bindu_py *, const struct val *); /* str(v) */
const struct val *py_why(struct bindu_py *, const struct val *);
/* The slot's key for a value used as a subscript; NULL: not known. */
const char *py_key(struct bindu_py *, const struct val *);
const struct val *py_key_val(struct bindu_py *, const char *key);
const struct val *py_list(struct bindu_py *);
void py_append(struct bindu_py *, const struct val *list, const struct val *);
long long py_len(struct bindu_py *, const struct val *); /* -1: unknown */
const struct val *py_item(struct bindu_py *, const struct val *list, long long);
const struct val *
py_subscript(struct bindu_py *, const struct val *, const struct val *key);
void py_copy_into(struct bindu_py *, uint32_t to, const struct val *from);
/* What dict() and update() take: a mapping, then keywords. */
void py_take_args(struct bindu_py *, uint32_t obj, const struct args *);
const struct val *
py_attr(struct bindu_py *, const struct val *, const char *name);
const struct val *py_binary(struct bindu_py *, const char *op,
    const struct val *, const struct val *);

/* py_eval.c: expressions at p->pos, never past p->limit */
bool py_at(const struct bindu_py *, const char *word);
bool py_eat(struct bindu_py *, const char *word);
const struct bindu_py_tok *py_tok(const struct bindu_py *);
unsigned py_line(const struct bindu_py *);
bool py_step(struct bindu_py *); /* false: a limit was met */
bool py_enter(struct bindu_py *); /* one level deeper; py_leave after */
void py_leave(struct bindu_py *);
uint32_t py_skip(const struct bindu_py *, uint32_t); /* past a token, or a
							 * bracket's group */
const struct val *py_eval(struct bindu_py *); /* with top-level commas */
const struct val *py_expr(struct bindu_py *); /* without */
const struct val *py_primary(struct bindu_py *);

/* py_args.c: at "(", the arguments; then behind ")". */
void py_arguments(struct bindu_py *, struct args *);
/* The i-th argument, or the keyword's; NULL if absent.  PY_ARGS_MAX is no
 * position: by its keyword only. */
const struct val *py_arg(const struct args *, unsigned i, const char *key);

/* py_text.c */
const struct val *py_string(struct bindu_py *); /* adjacent literals */

/* py_exec.c.  Token positions: py_find gives the first of stop, a NEWLINE or
 * the limit outside brackets. */
/* A compound statement: where its header and its body are. */
struct py_part {
	uint32_t colon, start, end, after;
};
const struct bindu_py_tok *py_tok_at(const struct bindu_py *, uint32_t);
bool py_word_at(const struct bindu_py *, uint32_t, const char *word);
uint32_t py_find(const struct bindu_py *, uint32_t, const char *stop);
char *py_token_text(struct bindu_py *, uint32_t);
struct py_part py_part_at(const struct bindu_py *, uint32_t);
void py_run(struct bindu_py *, uint32_t start, uint32_t end);
const struct val *
py_eval_range(struct bindu_py *, uint32_t start, uint32_t end);
void py_block(struct bindu_py *, uint32_t end);

/* py_flow.c */
/* Python would raise here: in a try block its handler goes on, elsewhere what
 * was to come is unknown. */
void py_raise(struct bindu_py *, enum dead why);
/* Two branches of which one is taken: begin, run the one, turn,
 * run the other, join. */
struct py_fork {
	size_t mark, nobj, n;
	struct change *a;
	enum dead dead;
};
void py_fork_begin(struct bindu_py *, struct py_fork *);
void py_fork_turn(struct bindu_py *, struct py_fork *);
void py_fork_join(struct bindu_py *, struct py_fork *, unsigned line);
const struct val *py_eval_maybe(struct bindu_py *, int truth, unsigned line,
    const struct val *(*)(struct bindu_py *));
void py_block_maybe(struct bindu_py *, uint32_t end);
/* The statement at a token; what follows it. */
uint32_t py_exec_if(struct bindu_py *, uint32_t);
uint32_t py_exec_for(struct bindu_py *, uint32_t);
uint32_t py_exec_while(struct bindu_py *, uint32_t);
uint32_t py_exec_try(struct bindu_py *, uint32_t);
uint32_t py_exec_with(struct bindu_py *, uint32_t);
uint32_t py_exec_match(struct bindu_py *, uint32_t);

/* py_class.c */
#define PY_DATA \
	"\x02" \
	"data" /* on a class: its call takes its fields */
#define PY_HOOK "\x02hook" /* code of its own decides what instances hold */
/* A method of it is decorated: in a model it may check or change fields. */
#define PY_CHECK \
	"\x02" \
	"check"
uint32_t py_exec_class(struct bindu_py *, uint32_t);
const struct val *
py_class_attr(struct bindu_py *, const struct val *, const char *name);
const struct val *
py_instantiate(struct bindu_py *, const struct val *class, const struct args *);
const struct val *py_super(struct bindu_py *);
/* At the arguments of super().name(). */
const struct val *py_super_call(struct bindu_py *, const struct val *,
    const char *name, unsigned line);
void py_set_attr(struct bindu_py *, const struct val *, const char *name,
    const struct val *);
/* An annotated name of the class that is being read. */
void py_add_field(struct bindu_py *, const char *name);
/* The fields of a dataclass or model, as dict; NULL: it is none. */
const struct val *py_fields(struct bindu_py *, const struct val *);

/* py_func.c */
/* What stands below decorators; p->pos is at the first "@". */
void py_exec_decorated(struct bindu_py *);
uint32_t py_exec_def(struct bindu_py *, uint32_t);
struct frame *py_frame(struct bindu_py *, uint32_t obj, struct frame *outer);
/* Run f on args; the result. */
const struct val *py_call_func(struct bindu_py *, const struct func *,
    const struct val *self, const struct args *);

/* py_import.c */
void py_exec_import(struct bindu_py *, uint32_t end);
void py_exec_from(struct bindu_py *, uint32_t end);

/* py_assign.c: assign to the target in tokens [pos, end); NULL deletes. */
void py_assign(struct bindu_py *, uint32_t end, const struct val *);

/* py_module.c: what "import dotted" gives, or a name of that module. */
const struct val *py_import(struct bindu_py *, const char *dotted);
const struct val *
py_import_from(struct bindu_py *, const char *dotted, const char *name);
void py_import_star(struct bindu_py *, const char *dotted);
void py_modules_free(struct bindu_py *);
/* Follow the script as __main__; -1: it cannot be read. */
int py_run_script(struct bindu_py *, const char *script);

/* py_data.c */
/* The text of a regular file beneath the root, or NULL; the caller frees. */
char *py_slurp(struct bindu_py *, const char *rel, size_t max, size_t *n);
/* The text at a path that the script names (arena); NULL: the tree has none. */
const char *py_read(struct bindu_py *, const char *path, size_t *n);
const struct val *py_exists(struct bindu_py *, const struct val *path);
/* What reading such a path gives where the tree has none. */
const struct val *py_missing(struct bindu_py *, const char *path);
/* format: json or toml; what: the text's name in a message. */
const struct val *py_load_data(struct bindu_py *, const char *format,
    const char *text, size_t n, const char *what);

/* py_call.c */
const struct val *py_call_val(struct bindu_py *, const struct val *fn,
    const struct args *, unsigned line);
/* Something that is not followed has been called: was it told to call what
 * is looked for? */
void py_handed(struct bindu_py *, const struct args *, unsigned line);

/* py_method.c; NULL: it has none of that name. */
const struct val *py_method(struct bindu_py *, const struct val *self,
    const char *name, const struct args *);

/* py_builtin.c: what the functions of Python's library give; NULL: not one
 * of those that are known. */
const struct val *
py_builtin(struct bindu_py *, const char *name, const struct args *);

/* The variable's value; set: what the script makes it, NULL: nothing. */
const struct val *
py_environ(struct bindu_py *, const char *name, const struct val *set);
void py_unset_env(struct bindu_py *, const char *name);

/* py_argparse.c: argparse.ArgumentParser() and its methods. */
const struct val *py_argparse_new(struct bindu_py *, const struct args *);
bool py_is_parser(struct bindu_py *, const struct val *);
const struct val *py_argparse_call(struct bindu_py *, const struct val *parser,
    const char *name, const struct args *);
#endif
