/* Licence { */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdio.h>
#include "local.h"

#define LIMIT 10
#define SQUARE(x) \
    ((x) * (x))

typedef unsigned int word;

struct node {
    struct node *next;
    char text[LIMIT];
};

typedef struct {
    int x, y;
} point;

enum color { RED, GREEN = '}' };

union number {
    int whole;
    float real;
};

typedef int (*handler)(struct node *, void *);

extern int external(const char *name);
static const char *names[] = {
    "a{", "b\"}", NULL,
};
static int counter = 0, *cursor;

/* Adds two. */
int add(int a, int b)
{
    return a + b;
}

static inline struct node *
make_node(const char *text,
          struct node *next)
{
    struct node *made = malloc(sizeof(struct node));
    if (!made) {
        goto failed;
    }
    made->next = next;
    return made;
failed:
    fprintf(stderr, "no memory for %s {\n", text);
    return NULL;
}

// about the callback
static void *(*callback(int code))(void)
{
    return 0;
}

#ifdef DEBUG
void debug(point p) {
    printf("%d\n", p.x);
}
#else
void debug(point p) {}
#endif

int old_style(a, b)
    int a;
    char *b;
{
    return a + SQUARE(b[0]);
}

#if 0
void never(void) {
#endif

__attribute__((noreturn)) void stop(int code) {
    switch (code) {
    case 1:
        exit(add(code, counter));
    default:
        exit(0);
    }
}

int main(int argc, char **argv) {
    handler run = &external_handler;
    union number n = { .whole = 1 };
    return run(make_node(argv[0], NULL), &n);
}

#endif /* SAMPLE_H */
