# SPDX-License-Identifier: Apache-2.0
# cmake -DFROM=DIR -DTO=FILE -P embed.cmake: the parts of the page as arrays, each followed by a NUL that its length does not count.
set(text "/* SPDX-License-Identifier: Apache-2.0 */\n#include \"page_data.h\"\n")
foreach(part html css js)
	file(READ ${FROM}/page.${part} bytes HEX)
	string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
	string(APPEND text "\nstatic const unsigned char bytes_${part}[] = {\n${bytes}0x00\n};\n"
		"const struct page_part page_${part} = { bytes_${part}, sizeof bytes_${part} - 1 };\n")
endforeach()
file(WRITE ${TO} "${text}")
