noinst_LIBRARIES += src/tree/libtree.a
src_tree_libtree_a_SOURCES = \
	src/tree/tree_list.c \
	src/tree/tree_list.h
