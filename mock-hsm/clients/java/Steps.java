import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Runs steps one after another, prints one line for each in the form of TAP, and ends the program with 1 if one failed. */
final class Steps {
    interface Step {
        void run() throws Exception;
    }

    private int done;
    private int failed;

    static void run(Consumer<Steps> all) {
        Steps steps = new Steps();
        steps.step("all steps were taken", () -> all.accept(steps));
        System.out.printf("1..%d%n", steps.done);
        // The client's threads live on for a while.
        System.exit(steps.failed == 0 ? 0 : 1);
    }

    void step(String name, Step step) {
        try {
            step.run();
            done++;
            System.out.printf("ok %d - %s%n", done, name);
        } catch (Exception | AssertionError failure) {
            done++;
            failed++;
            String where = Arrays.stream(failure.getStackTrace()).limit(8).map(each -> "\n    at " + each)
                .collect(Collectors.joining());
            System.out.printf("not ok %d - %s: %s%s%n", done, name, failure, where);
        }
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void same(Object actual, Object expected) {
        check(Objects.deepEquals(actual, expected), actual + " instead of " + expected);
    }
}
