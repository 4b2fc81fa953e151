#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make_limits.py limits.h > muster-limits.7.scd

Makes the manual's table of limits from the header that sets them, so that no
limit can be undocumented.
"""
import re
import sys

PAGE = '''muster-limits(7)

# NAME

muster-limits - what Muster takes at most from outside

# DESCRIPTION

Everything that comes from outside is bounded. Reaching a bound is an error with a
message that says what follows; nothing is cut silently. The bounds are far above what
a large data centre needs.

'''


def value(text):
    """The number of a C constant expression of products."""
    product = 1
    for factor in text.split('*'):
        product *= int(factor.strip(), 0)
    return f'{product:,}'


def limits(text):
    """Yields (name, value, meaning) of each enumerator with its comment."""
    for name, expression, meaning in re.findall(
            r'(LIMIT_\w+) = ([\d *x]+),?\s*/\*(.*?)\*/', text, re.S):
        yield name, value(expression), ' '.join(meaning.split())


def main():
    with open(sys.argv[1]) as header:
        text = header.read()
    rows = list(limits(text))
    if len(rows) != len(set(re.findall(r'\bLIMIT_\w+(?= =)', text))):
        sys.exit('a limit has no comment')
    print(PAGE, end='')
    print('[[ *at most*\n:< *what*\n:< *name in the source*')
    for name, number, meaning in rows:
        print(f'|  {number}\n:  {meaning}\n:  {name}'.replace('_', '\\_'))
    print('\n# SEE ALSO\n\n*muster*(1), *muster.yaml*(5)')


main()
