# SPDX-License-Identifier: Apache-2.0
# Writes a file as a C array, so that data is part of the program.
# usage: embed.py INPUT OUTPUT NAME
import sys

source, target, name = sys.argv[1:4]
data = open(source, 'rb').read()
with open(target, 'w') as out:
    out.write('extern const char %s[];\nextern const unsigned long %s_length;\n' % (name, name))
    out.write('const char %s[] = {\n' % name)
    for at in range(0, len(data), 24):
        out.write(''.join('%d,' % (b if b < 128 else b - 256) for b in data[at:at + 24]) + '\n')
    out.write('0};\nconst unsigned long %s_length = %d;\n' % (name, len(data)))
