"""layout.py finds what breaks a promise, and lets pass what may be done: otherwise its test could not fail."""
import unittest

from layout import broken_promises, members

OLD = ["struct heddle_a 0 4 uint32_t struct_size", "struct heddle_a 8 8 void (*run)(void *self)", "constant HEDDLE_OK 0"]


class Layout(unittest.TestCase):
    def broken(self, current):
        return list(broken_promises(OLD, current))

    def test_the_same_is_fine(self):
        self.assertEqual(self.broken(OLD), [])

    def test_appended_members_structs_and_constants_are_fine(self):
        more = ["struct heddle_a 16 8 void (*stop)(void *self)", "struct heddle_b 0 4 uint32_t struct_size", "constant HEDDLE_NEW 1"]
        self.assertEqual(self.broken(OLD + more), [])

    def test_an_inserted_member_breaks(self):
        inserted = [OLD[0], "struct heddle_a 8 8 void (*stop)(void *self)", "struct heddle_a 16 8 void (*run)(void *self)", OLD[2]]
        self.assertEqual(len(self.broken(inserted)), 1)

    def test_another_signature_at_the_same_offset_breaks(self):
        self.assertEqual(len(self.broken([OLD[0], "struct heddle_a 8 8 int (*run)(void *self)", OLD[2]])), 1)

    def test_a_removed_member_struct_or_constant_breaks(self):
        self.assertEqual(len(self.broken([OLD[0], OLD[2]])), 1)
        self.assertEqual(len(self.broken([OLD[2]])), 2)
        self.assertEqual(len(self.broken(OLD[:2])), 1)

    def test_another_value_of_a_constant_breaks(self):
        self.assertEqual(len(self.broken([*OLD[:2], "constant HEDDLE_OK 7"])), 1)

    def test_members_are_found_whatever_their_form(self):
        body = "uint32_t a, b; const char *c; void (*run)(void *self, int n); char d[8]; const heddle_x *const *(*all)(void);"
        self.assertEqual([name for name, _ in members(body)], ["a", "b", "c", "run", "d", "all"])


if __name__ == "__main__":
    unittest.main()
