noinst_LIBRARIES += src/tree/libtree.a
src_tree_libtree_a_SOURCES = \
	src/tree/tree.c \
	src/tree/tree.h \
	src/tree/tree_list.c \
	src/tree/tree_list.h
